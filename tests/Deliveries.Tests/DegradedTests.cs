using WhatsAppMesh.Hosting;

namespace WhatsAppMesh.Deliveries.Tests;

/// <summary>What a consumer could not do is said as long as it lasts, and comes right by itself.</summary>
public sealed class DegradedTests
{
    [Theory]
    [InlineData("deliveries.dead_letters", "dead letters")]
    [InlineData("deliveries.failures", "failure records")]
    public async Task A_table_that_is_away_is_told_with_its_code_until_it_is_back(string table, string dependency)
    {
        await using var world = await World.CreateAsync();
        var replica = await world.StartReplicaAsync(new TestHandler { After = static _ => throw new InvalidOperationException("not today") });
        var state = replica.Service<DependencyStates>().Of(dependency, "");
        await world.ExecuteAsync($"alter table {table} rename to hidden");

        await TryAsync();
        Assert.True(state.IsFailing);
        Assert.Contains("42P01", state.Reason, StringComparison.Ordinal);

        await world.ExecuteAsync($"alter table deliveries.hidden rename to {table.Split('.')[1]}");
        await TryAsync();
        Assert.False(state.IsFailing);

        async Task TryAsync()
        {
            if (dependency == "dead letters")
                await replica.DeliverDeadAsync(Envelopes.Of(1));
            else
                await replica.DeliverAsync(Envelopes.Of(2));
        }
    }
}
