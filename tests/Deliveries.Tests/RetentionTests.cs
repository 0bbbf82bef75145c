using WhatsAppMesh.DeadLetters.V1;
using Client = WhatsAppMesh.DeadLetters.V1.DeadLetters.DeadLettersClient;

namespace WhatsAppMesh.Deliveries.Tests;

public sealed class RetentionTests
{
    [Fact]
    public async Task Settled_dead_letters_lose_their_envelope_first_and_then_their_row_and_the_audit_stays_true()
    {
        await using var world = await World.CreateAsync();
        var replica = await world.StartReplicaAsync();
        await replica.DeliverDeadAsync(Envelopes.Of(1));
        await DiscardTests.DiscardAsync(replica);
        await replica.DeliverDeadAsync(Envelopes.Of(2));
        await ReplayAsync(replica);
        await replica.DeliverDeadAsync(Envelopes.Of(3));
        var retention = replica.Service<DeliveriesRetention>();

        await retention.ApplyAsync(default);
        Assert.Equal("discarded true, replayed true, open true", await LettersAsync(world));

        await AgeAsync(world, "31 days");
        await retention.ApplyAsync(default);
        Assert.Equal("discarded false, replayed false, open true", await LettersAsync(world));

        await AgeAsync(world, "335 days");
        await retention.ApplyAsync(default);
        Assert.Equal("open true", await LettersAsync(world));
        Assert.Equal(0, await world.QueryAsync<long>("select count(*) from deliveries.replay_jobs"));
        foreach (var (set, positions) in new[] { ("applied", "2"), ("dead", "3"), ("discarded", "1"), ("pending", "4"), ("torn", "") })
            Assert.Equal((set, positions), (set, await DiscardTests.SetAsync(replica, set)));
    }

    [Fact]
    public async Task An_event_whose_first_deaths_are_forgotten_can_die_again()
    {
        await using var world = await World.CreateAsync();
        var replica = await world.StartReplicaAsync(new TestHandler { Before = static (_, _) => throw new PoisonException("decide", "Never.") });
        await replica.DeliverDeadAsync(Envelopes.Of(1));
        await ReplayAsync(replica);
        await ReplayAsync(replica);
        await world.ExecuteAsync("delete from deliveries.dead_letters where incarnation = 0");

        await ReplayAsync(replica);

        Assert.Equal("1 failed_again, 2 failed_again, 3 open", await world.QueryAsync<string>(
            "select string_agg(incarnation || ' ' || state, ', ' order by incarnation) from deliveries.dead_letters"));
    }

    [Fact]
    public async Task Old_failure_records_go_and_young_ones_stay()
    {
        await using var world = await World.CreateAsync();
        var replica = await world.StartReplicaAsync();
        await replica.DeliverAsync(Envelopes.Of(1, TestHandler.PoisonType));
        await world.ExecuteAsync("update deliveries.failures set last_at = now() - interval '31 days'");
        await replica.DeliverAsync(Envelopes.Of(2, TestHandler.PoisonType));

        await replica.Service<DeliveriesRetention>().ApplyAsync(default);

        Assert.Equal(2, await world.QueryAsync<long>("select sum(position)::bigint from deliveries.failures"));
    }

    private static async Task ReplayAsync(Replica replica)
    {
        var client = new Client(replica.Channel);
        await ReplayTests.DoneAsync(client, (await client.ReplayAsync(new() { Tenant = Envelopes.Tenant, Filter = new(), Reason = "again", Rate = 1000 })).JobId);
    }

    private static Task<string> LettersAsync(World world) =>
        world.QueryAsync<string>("select string_agg(state || ' ' || (envelope <> '')::text, ', ' order by position) from deliveries.dead_letters");

    private static async Task AgeAsync(World world, string by)
    {
        await world.ExecuteAsync($"update deliveries.dead_letters set dead_at = dead_at - interval '{by}', settled_at = settled_at - interval '{by}'");
        await world.ExecuteAsync($"update deliveries.replay_jobs set finished_at = finished_at - interval '{by}'");
    }
}
