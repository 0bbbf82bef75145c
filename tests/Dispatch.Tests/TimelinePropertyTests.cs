using WhatsAppMesh.Dispatch.Tests.Driving;
using WhatsAppMesh.Events.V1;

namespace WhatsAppMesh.Dispatch.Tests;

/// <summary>The same stage changes in any order and any batches leave the same jobs to be sent; without imports also under the same keys.</summary>
public sealed class TimelinePropertyTests : IAsyncLifetime
{
    private static readonly string[] Stages = ["A", "B", "C"];

    private DispatchDatabase _database = null!;

    public async Task InitializeAsync()
    {
        _database = await DispatchDatabase.CreateAsync();
        foreach (var stage in Stages)
            await _database.AutomationAsync("stage_changed", stage);
    }

    public async Task DisposeAsync() => await _database.DisposeAsync();

    [Theory]
    [InlineData(20261121, false)]
    [InlineData(20261122, true)]
    public async Task Any_order_and_any_batches_leave_the_same_jobs_and_leads(int seed, bool areSomeImported)
    {
        var random = new Random(seed);
        for (var round = 0; round < 25; round++)
        {
            var lake = new Lake();
            var events = Enumerable.Range(0, random.Next(1, 25))
                .Select(_ => lake.Stage($"{random.Next(3)}", Stages[random.Next(3)], random.Next(1, 12), random.Next(-2, 12))).ToList();
            foreach (var one in events)
                one.Imported = areSomeImported && random.Next(4) == 0;
            // In the order of the log, as they come as a rule and as a rebuild brings them.
            var expected = await ApplyAsync(events.Select(static one => new[] { one }), !areSomeImported);
            for (var shuffle = 0; shuffle < 3; shuffle++)
            {
                var order = events.ToArray();
                random.Shuffle(order);
                var batches = order.Select(one => (one, Batch: random.Next(1 + (order.Length / 2)))).GroupBy(static one => one.Batch, static one => one.one);
                Assert.Equal(expected, await ApplyAsync(batches, !areSomeImported));
            }
        }
    }

    private async Task<List<string>> ApplyAsync(IEnumerable<IEnumerable<CollectedEvent>> batches, bool withKeys)
    {
        await _database.ExecuteAsync("truncate jobs, leads, stage_events cascade");
        foreach (var batch in batches)
            await _database.ApplyAsync(batch);
        var live = await _database.RowsAsync($"""
            select j.entity, a.trigger_value, {(withKeys ? "j.send_key" : "''")} from jobs j join automations a on a.id = j.automation_id where j.status = 'pending' order by 1, 2, 3
            """);
        return [.. live, .. await _database.RowsAsync("select lead_id, stage_id from leads order by 1")];
    }
}
