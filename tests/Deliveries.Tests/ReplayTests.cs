using Grpc.Core;
using WhatsAppMesh.DeadLetters.V1;
using Client = WhatsAppMesh.DeadLetters.V1.DeadLetters.DeadLettersClient;

namespace WhatsAppMesh.Deliveries.Tests;

public sealed class ReplayTests
{
    [Fact]
    public async Task A_replay_after_the_cause_is_gone_applies_the_event_and_settles_the_dead_letter()
    {
        await using var world = await World.CreateAsync();
        var replica = await world.StartReplicaAsync(new TestHandler { Before = static (_, _) => throw new PoisonException("decide", "Not yet.") });
        var client = new Client(replica.Channel);
        var id = await DieAsync(replica, Envelopes.Of(5));
        replica.Handler.Before = null;

        var answer = await client.ReplayAsync(new() { Tenant = Envelopes.Tenant, Ids = { id }, Reason = "fixed", RequestedBy = "ana" });
        var job = await DoneAsync(client, answer.JobId);

        Assert.Equal((1L, 1L, 0L, "fixed", "ana"), (job.Matched, job.Replayed, job.Failed, job.Reason, job.RequestedBy));
        Assert.Equal("5", await world.EffectsAsync());
        Assert.Equal("""{"n":5}""", await world.QueryAsync<string>("select payload from effects"));
        var letter = (await client.GetAsync(new() { Tenant = Envelopes.Tenant, Id = id })).DeadLetter;
        Assert.Equal(State.Replayed, letter.State);
        Assert.NotNull(letter.SettledAt);
        Assert.Equal("replay ana 1, finish ana 1", await world.QueryAsync<string>("select string_agg(action || ' ' || who || ' ' || count, ', ' order by id) from deliveries.audit_trail"));
        var settled = await Assert.ThrowsAsync<RpcException>(async () => await client.ReplayAsync(new() { Tenant = Envelopes.Tenant, Ids = { id }, Reason = "again" }));
        Assert.Equal((StatusCode.FailedPrecondition, true), (settled.StatusCode, settled.Status.Detail.Contains("replayed", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task A_replay_that_fails_again_is_a_new_dead_letter_linked_to_the_first()
    {
        await using var world = await World.CreateAsync();
        var replica = await world.StartReplicaAsync();
        var client = new Client(replica.Channel);
        var first = await DieAsync(replica, Envelopes.Of(5, TestHandler.PoisonType));

        var job = await DoneAsync(client, (await client.ReplayAsync(new() { Tenant = Envelopes.Tenant, Ids = { first }, Reason = "try" })).JobId);

        Assert.Equal((0L, 1L), (job.Replayed, job.Failed));
        Assert.Equal(State.FailedAgain, (await client.GetAsync(new() { Tenant = Envelopes.Tenant, Id = first })).DeadLetter.State);
        var second = Assert.Single((await client.ListAsync(new() { Filter = new() { Tenant = Envelopes.Tenant } })).DeadLetters);
        Assert.Equal((first, "decide", 5L), (second.PreviousId, second.Step, second.Position));
        Assert.Equal("", await world.EffectsAsync());
        Assert.Equal("{[5,6)}", await world.AccountAsync());
        var sets = (await replica.GetAsync("/audit?heads=1:5")).GetProperty("logs")[0];
        Assert.Equal("{[5,6)}", sets.GetProperty("dead").GetProperty("positions").GetString());
        Assert.Equal(0, sets.GetProperty("torn").GetProperty("count").GetInt64());
    }

    [Fact]
    public async Task A_replay_that_meets_something_transient_tries_again_before_it_gives_up()
    {
        await using var world = await World.CreateAsync();
        var tries = 0;
        var replica = await world.StartReplicaAsync(new TestHandler { Before = (_, _) => Interlocked.Increment(ref tries) < 3 ? throw new TimeoutException() : Task.CompletedTask });
        var client = new Client(replica.Channel);
        await replica.DeliverDeadAsync(Envelopes.Of(1));
        var id = Assert.Single((await client.ListAsync(new() { Filter = new() { Tenant = Envelopes.Tenant } })).DeadLetters).Id;

        var job = await DoneAsync(client, (await client.ReplayAsync(new() { Tenant = Envelopes.Tenant, Ids = { id }, Reason = "try" })).JobId);

        Assert.Equal((1L, 0L), (job.Replayed, job.Failed));
        Assert.Equal("1", await world.EffectsAsync());
    }

    [Fact]
    public async Task The_replay_topic_takes_ids_and_ignores_bodies()
    {
        await using var world = await World.CreateAsync();
        var replica = await world.StartReplicaAsync();
        await replica.DeliverDeadAsync(Envelopes.Of(1));
        var id = await world.QueryAsync<Guid>("select id from deliveries.dead_letters");
        var forged = Envelopes.Event(1);
        forged.PayloadJson = """{"forged":true}""";
        var data = $$"""{"ids":["{{id}}"],"reason":"fixed","log":1,"position":1,"payloadJson":"{\"forged\":true}","event":{{JsonOf(forged)}}}""";

        // Delivered twice: it is one job.
        Assert.Equal("SUCCESS", await PublishAsync(replica, "r-1", data));
        Assert.Equal("SUCCESS", await PublishAsync(replica, "r-1", data));
        await World.UntilAsync(() => world.EffectsAsync(), "1");

        // Nor is it refused once the job is done and the dead letter is not open any more.
        Assert.Equal("SUCCESS", await PublishAsync(replica, "r-1", data));
        Assert.Equal("""{"n":1}""", await world.QueryAsync<string>("select payload from effects"));
        Assert.Equal(1, await world.QueryAsync<long>("select count(*) from deliveries.replay_jobs"));
    }

    [Theory]
    [InlineData("""{"reason":"nothing chosen"}""")]
    [InlineData("""{"ids":["00000000-0000-4000-8000-000000000001"]}""")]
    [InlineData("""{"ids":["00000000-0000-4000-8000-000000000001"],"reason":"unknown id"}""")]
    [InlineData("""{"ids":[1],"reason":"no uuid"}""")]
    [InlineData("""{"positions":[{"log":1,"from":9,"to":7}],"reason":"no range"}""")]
    [InlineData("\"text\"")]
    public async Task A_replay_message_that_makes_no_sense_is_dropped(string data)
    {
        await using var world = await World.CreateAsync();
        var replica = await world.StartReplicaAsync();

        Assert.Equal("DROP", await PublishAsync(replica, "r-1", data));
    }

    [Fact]
    public async Task A_replay_message_that_the_database_can_never_take_is_dropped_instead_of_coming_back_for_ever()
    {
        await using var world = await World.CreateAsync();
        var replica = await world.StartReplicaAsync();
        await replica.DeliverDeadAsync(Envelopes.Of(1));
        var id = await world.QueryAsync<Guid>("select id from deliveries.dead_letters");

        Assert.Equal("DROP", await PublishAsync(replica, "r-1", $$"""{"ids":["{{id}}"],"reason":"a\u0000b"}"""));

        Assert.Equal(0, await world.QueryAsync<long>("select count(*) from deliveries.replay_jobs"));
    }

    [Fact]
    public async Task Positions_up_to_the_end_of_all_numbers_are_cut_to_the_head()
    {
        await using var world = await World.CreateAsync();
        var replica = await world.StartReplicaAsync();
        world.Lake.Add(Envelopes.Event(1), Envelopes.Event(2), Envelopes.Event(3));

        Assert.Equal("SUCCESS", await PublishAsync(replica, "r-1", """{"positions":[{"log":1,"from":2,"to":"9223372036854775807"}],"reason":"missed"}"""));

        await World.UntilAsync(() => world.EffectsAsync(), "2 3");
    }

    [Fact]
    public async Task Positions_of_the_lake_are_replayed_for_the_tenant_alone()
    {
        await using var world = await World.CreateAsync();
        var replica = await world.StartReplicaAsync();
        var client = new Client(replica.Channel);
        for (var position = 1; position <= 6; position++)
            world.Lake.Add(Envelopes.Event(position, tenant: position % 2 == 0 ? "rival" : Envelopes.Tenant));
        await replica.DeliverAsync(Envelopes.Of(1));
        await replica.DeliverDeadAsync(Envelopes.Of(3));

        var dry = await client.ReplayAsync(new() { Tenant = Envelopes.Tenant, Ranges = { new PositionRange { Log = 1, From = 1, To = 100 } }, DryRun = true });
        var answer = await client.ReplayAsync(new() { Tenant = Envelopes.Tenant, Ranges = { new PositionRange { Log = 1, From = 1, To = 100 } }, Reason = "fold anew" });
        var job = await DoneAsync(client, answer.JobId);

        Assert.Equal((3L, ""), (dry.Matched, dry.JobId));
        Assert.Equal((3L, 3L), (job.Matched, job.Replayed));
        Assert.Equal("1x2 3 5", await world.EffectsAsync());
        Assert.Equal("{[1,2),[3,4),[5,6)}", await world.AccountAsync());
        Assert.Equal("replayed", await world.QueryAsync<string>("select state from deliveries.dead_letters"));
    }

    [Fact]
    public async Task Positions_can_be_asked_for_on_the_replay_topic()
    {
        await using var world = await World.CreateAsync();
        var replica = await world.StartReplicaAsync();
        world.Lake.Add(Envelopes.Event(1), Envelopes.Event(2), Envelopes.Event(3));

        Assert.Equal("SUCCESS", await PublishAsync(replica, "r-1", """{"positions":[{"log":1,"from":2,"to":3}],"reason":"missed"}"""));

        await World.UntilAsync(() => world.EffectsAsync(), "2 3");
    }

    internal static async Task<string> DieAsync(Replica replica, string envelope)
    {
        Assert.Equal(["DROP"], await replica.DeliverAsync(envelope));
        Assert.Equal("SUCCESS", await replica.DeliverDeadAsync(envelope));
        var open = await new Client(replica.Channel).ListAsync(new() { Filter = new() { Tenant = Envelopes.Tenant } });
        return open.DeadLetters[0].Id;
    }

    internal static async Task<ReplayJob> DoneAsync(Client client, string jobId)
    {
        await World.UntilAsync(async () => (await client.GetJobAsync(new() { Tenant = Envelopes.Tenant, JobId = jobId })).Job.State, "done");
        return (await client.GetJobAsync(new() { Tenant = Envelopes.Tenant, JobId = jobId })).Job;
    }

    private static string JsonOf(Events.V1.CollectedEvent value)
    {
        using var document = System.Text.Json.JsonDocument.Parse(CloudEventReader.WriteEnvelope(value));
        return document.RootElement.GetProperty("data").GetRawText();
    }

    private static async Task<string> PublishAsync(Replica replica, string id, string data)
    {
        var (_, answer) = await replica.PostAsync("/events/replay", $$"""{"specversion":"1.0","id":"{{id}}","type":"com.dapr.event.sent","source":"cli","datacontenttype":"application/json","data":{{data}}}""");
        return answer.GetProperty("status").GetString()!;
    }
}
