using System.Net;
using Grpc.Core;
using WhatsAppMesh.DeadLetters.V1;
using Client = WhatsAppMesh.DeadLetters.V1.DeadLetters.DeadLettersClient;

namespace WhatsAppMesh.Deliveries.Tests;

/// <summary>A consumer whose events send something, under a name of its own.</summary>
public sealed class ReplaySendsTests
{
    private static readonly (string, string) Sends = ("Deliveries:ReplaySends", "true");

    private static ReplayRequest Range(bool allowSends) => new()
    {
        Tenant = Envelopes.Tenant, Ranges = { new PositionRange { Log = 1, From = 1, To = 3 } }, Reason = "again", AllowSends = allowSends, Rate = 1000,
    };

    [Fact]
    public async Task A_range_that_could_send_again_needs_to_say_so_on_every_road()
    {
        await using var world = await World.CreateAsync();
        var replica = await world.StartReplicaAsync(null, Sends);
        world.Lake.Add(Enumerable.Range(1, 3).Select(static position => Envelopes.Event(position)));
        var client = new Client(replica.Channel);

        var refusal = await Assert.ThrowsAsync<RpcException>(async () => await client.ReplayAsync(Range(allowSends: false)));
        var (status, problem) = await replica.PostAsync("/dead-letters/replay", """{"ranges":[{"log":1,"from":"1","to":"3"}],"reason":"again"}""");
        var (_, answer) = await replica.PostAsync("/events/replay", """{"id":"r-1","data":{"positions":[{"log":1,"from":1,"to":3}],"reason":"again"}}""");

        Assert.Equal(StatusCode.FailedPrecondition, refusal.StatusCode);
        Assert.Contains("allow_sends", refusal.Status.Detail, StringComparison.Ordinal);
        Assert.Equal((HttpStatusCode.Conflict, "failed_precondition"), (status, problem.GetProperty("code").GetString()));
        Assert.Equal("DROP", answer.GetProperty("status").GetString());
        Assert.Equal(0, await world.QueryAsync<long>("select count(*) from deliveries.replay_jobs"));
        Assert.Equal(3, (await client.ReplayAsync(new(Range(allowSends: false)) { DryRun = true })).Matched);
    }

    [Fact]
    public async Task The_handler_is_told_that_a_range_is_a_replay_that_may_send()
    {
        await using var world = await World.CreateAsync();
        var replica = await world.StartReplicaAsync(null, Sends);
        world.Lake.Add(Enumerable.Range(1, 3).Select(static position => Envelopes.Event(position)));
        var client = new Client(replica.Channel);
        await replica.DeliverAsync(Envelopes.Range(1, 3));

        await ReplayTests.DoneAsync(client, (await client.ReplayAsync(Range(allowSends: true))).JobId);

        Assert.Equal(
            [(false, true), (true, true), (true, true), (true, true)],
            replica.Handler.Contexts.Select(static context => (context.IsReplay, context.AllowSends)));
    }

    [Fact]
    public async Task Without_sends_to_fear_a_range_needs_no_word_and_the_handler_knows()
    {
        await using var world = await World.CreateAsync();
        var replica = await world.StartReplicaAsync();
        world.Lake.Add(Envelopes.Event(1));
        var client = new Client(replica.Channel);

        await ReplayTests.DoneAsync(client, (await client.ReplayAsync(Range(allowSends: false))).JobId);

        Assert.Equal([new DeliveryContext(IsReplay: true, AllowSends: false)], replica.Handler.Contexts);
    }

    [Fact]
    public async Task A_dead_letter_never_had_its_effect_so_its_replay_may_send()
    {
        await using var world = await World.CreateAsync();
        var replica = await world.StartReplicaAsync(null, Sends);
        await replica.DeliverDeadAsync(Envelopes.Of(1));
        var client = new Client(replica.Channel);

        await ReplayTests.DoneAsync(client, (await client.ReplayAsync(new() { Tenant = Envelopes.Tenant, Filter = new(), Reason = "fixed" })).JobId);

        Assert.Equal([new DeliveryContext(IsReplay: true, AllowSends: true)], replica.Handler.Contexts);
    }

    [Fact]
    public async Task A_second_consumer_goes_by_its_own_name()
    {
        await using var world = await World.CreateAsync();
        var replica = await world.StartReplicaAsync(null, (Replica.ServiceKey, "dispatch"));
        await replica.DeliverAsync(Envelopes.Of(1));

        var metrics = await replica.GetTextAsync("/metrics");

        Assert.Contains("mesh_consumer_events_total{result=\"applied\",service=\"dispatch\",type=\"test.ok\"} 1", metrics, StringComparison.Ordinal);
        Assert.Equal("dispatch", (await replica.GetAsync("/audit?heads=1:1")).GetProperty("service").GetString());
    }
}
