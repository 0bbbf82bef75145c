using System.Net;
using Grpc.Core;
using WhatsAppMesh.DeadLetters.V1;
using Client = WhatsAppMesh.DeadLetters.V1.DeadLetters.DeadLettersClient;

namespace WhatsAppMesh.Deliveries.Tests;

public sealed class DeadLetterTests
{
    [Fact]
    public async Task A_dead_letter_joins_the_envelope_with_the_reason()
    {
        await using var world = await World.CreateAsync();
        var replica = await world.StartReplicaAsync();
        var envelope = Envelopes.Of(3, TestHandler.PoisonType);
        Assert.Equal(["DROP"], await replica.DeliverAsync(envelope));

        Assert.Equal("SUCCESS", await replica.DeliverDeadAsync(envelope));

        var client = new Client(replica.Channel);
        var listed = await client.ListAsync(new() { Filter = new() { Tenant = Envelopes.Tenant } });
        var letter = Assert.Single(listed.DeadLetters);
        Assert.Equal((1, 3L, State.Open, TestHandler.PoisonType), (letter.Log, letter.Position, letter.State, letter.Type));
        Assert.Equal(("poison", "WhatsAppMesh.Deliveries.PoisonException", "This one never succeeds.", "decide"), (letter.Category, letter.Error, letter.Message, letter.Step));
        Assert.Equal((1, Envelopes.TraceId, ""), (letter.Attempts, letter.TraceId, letter.PreviousId));
        Assert.True(letter.FirstFailedAt <= letter.DeadAt);
        var cause = Assert.Single(listed.Causes);
        Assert.Equal(("poison", "decide", TestHandler.PoisonType, 1L), (cause.Category, cause.Step, cause.Type, cause.Count));
        Assert.Equal(envelope, (await client.GetAsync(new() { Tenant = Envelopes.Tenant, Id = letter.Id })).EnvelopeJson);
        Assert.Equal("{[3,4)}", await world.AccountAsync());
        Assert.Equal(0, await world.QueryAsync<long>("select count(*) from deliveries.failures"));
    }

    [Fact]
    public async Task A_dead_letter_that_comes_twice_is_one()
    {
        await using var world = await World.CreateAsync();
        var replica = await world.StartReplicaAsync();

        Assert.Equal("SUCCESS", await replica.DeliverDeadAsync(Envelopes.Of(1)));
        Assert.Equal("SUCCESS", await replica.DeliverDeadAsync(Envelopes.Of(1)));
        Assert.Equal("SUCCESS", await replica.DeliverDeadAsync("""{"id":"x-1","data":{"log":1}}"""));
        Assert.Equal("SUCCESS", await replica.DeliverDeadAsync("""{"id":"x-1","data":{"log":1}}"""));

        Assert.Equal("0/0 1/1", await world.QueryAsync<string>("select string_agg(log || '/' || position, ' ' order by position) from deliveries.dead_letters"));
    }

    [Fact]
    public async Task A_dead_letter_without_a_failure_record_is_stored_all_the_same()
    {
        await using var world = await World.CreateAsync();
        var replica = await world.StartReplicaAsync();

        Assert.Equal("SUCCESS", await replica.DeliverDeadAsync(Envelopes.Of(1)));

        Assert.Equal("transient delivery 0", await world.QueryAsync<string>("select category || ' ' || step || ' ' || attempts from deliveries.dead_letters"));
        Assert.Equal("{[1,2)}", await world.AccountAsync());
    }

    [Fact]
    public async Task A_dead_letter_whose_event_was_applied_in_the_meantime_is_dropped()
    {
        await using var world = await World.CreateAsync();
        var replica = await world.StartReplicaAsync();
        await replica.DeliverAsync(Envelopes.Of(1));

        Assert.Equal("SUCCESS", await replica.DeliverDeadAsync(Envelopes.Of(1)));

        Assert.Equal(0, await world.QueryAsync<long>("select count(*) from deliveries.dead_letters"));
    }

    [Fact]
    public async Task A_dead_event_that_is_delivered_again_stays_dead()
    {
        await using var world = await World.CreateAsync();
        var replica = await world.StartReplicaAsync();
        await replica.DeliverDeadAsync(Envelopes.Of(1));

        Assert.Equal(["SUCCESS"], await replica.DeliverAsync(Envelopes.Of(1)));

        Assert.Equal("", await world.EffectsAsync());
        Assert.Equal("open", await world.QueryAsync<string>("select state from deliveries.dead_letters"));
    }

    [Fact]
    public async Task What_failed_tells_nothing_about_anybody()
    {
        await using var world = await World.CreateAsync();
        var replica = await world.StartReplicaAsync(new TestHandler
        {
            Before = static async (value, transaction) =>
            {
                switch (value.Position)
                {
                    case 1:
                        throw new FormatException("The input string '5511987654321' was not in a correct format.");
                    case 2:
                        throw new InvalidOperationException("No member 5511987654321@s.whatsapp.net.");
                    default:
                        await using (var command = new Npgsql.NpgsqlCommand("select '5511987654321x'::int", transaction.Connection, transaction))
                            await command.ExecuteNonQueryAsync();
                        break;
                }
            },
        });

        Assert.Equal(["DROP", "DROP", "DROP"], await replica.DeliverAsync(Envelopes.Range(1, 3)));

        var messages = await world.QueryAsync<string>("select string_agg(message, '|' order by position) from deliveries.failures");
        Assert.DoesNotContain("5511987654321", messages, StringComparison.Ordinal);
        Assert.Equal("22003: value \"…\" is out of range for type integer", messages.Split('|')[2]);
    }

    [Fact]
    public async Task Discarded_dead_letters_are_given_up_for_good_and_the_reason_is_kept()
    {
        await using var world = await World.CreateAsync();
        var replica = await world.StartReplicaAsync();
        await replica.DeliverDeadAsync(Envelopes.Of(1));
        var client = new Client(replica.Channel);
        var id = Assert.Single((await client.ListAsync(new() { Filter = new() { Tenant = Envelopes.Tenant } })).DeadLetters).Id;

        var answer = await client.DiscardAsync(new() { Tenant = Envelopes.Tenant, Ids = { id }, Reason = "spam", RequestedBy = "ana" });

        Assert.Equal(1, answer.Discarded);
        Assert.Equal(State.Discarded, (await client.GetAsync(new() { Tenant = Envelopes.Tenant, Id = id })).DeadLetter.State);
        Assert.Equal("discard ana spam acme 1", await world.QueryAsync<string>("select action || ' ' || who || ' ' || reason || ' ' || tenant || ' ' || count from deliveries.audit_trail"));
        var again = await Assert.ThrowsAsync<RpcException>(async () => await client.DiscardAsync(new() { Tenant = Envelopes.Tenant, Ids = { id }, Reason = "spam" }));
        Assert.Equal(StatusCode.FailedPrecondition, again.StatusCode);
        var sets = (await replica.GetAsync("/audit?heads=1:2")).GetProperty("logs")[0];
        Assert.Equal(1, sets.GetProperty("discarded").GetProperty("count").GetInt64());
        Assert.Equal(0, sets.GetProperty("dead").GetProperty("count").GetInt64());
        Assert.Equal("{[2,3)}", sets.GetProperty("pending").GetProperty("positions").GetString());
    }

    [Fact]
    public async Task One_tenant_never_sees_or_touches_anothers_dead_letters()
    {
        await using var world = await World.CreateAsync();
        var replica = await world.StartReplicaAsync();
        await replica.DeliverDeadAsync(Envelopes.Of(1, tenant: "acme"));
        await replica.DeliverDeadAsync(Envelopes.Of(2, tenant: "rival"));
        var client = new Client(replica.Channel);
        var mine = Assert.Single((await client.ListAsync(new() { Filter = new() { Tenant = "acme" } })).DeadLetters);

        Assert.Equal(1, mine.Position);
        await RefusedAsync(StatusCode.NotFound, async () => await client.GetAsync(new() { Tenant = "rival", Id = mine.Id }));
        await RefusedAsync(StatusCode.NotFound, async () => await client.DiscardAsync(new() { Tenant = "rival", Ids = { mine.Id }, Reason = "r" }));
        await RefusedAsync(StatusCode.NotFound, async () => await client.ReplayAsync(new() { Tenant = "rival", Ids = { mine.Id }, Reason = "r" }));
        await RefusedAsync(StatusCode.InvalidArgument, async () => await client.ReplayAsync(new() { Tenant = "rival", Filter = new() { Tenant = "acme" }, Reason = "r" }));
        var job = (await client.ReplayAsync(new() { Tenant = "acme", Ids = { mine.Id }, Reason = "r" })).JobId;
        await RefusedAsync(StatusCode.NotFound, async () => await client.GetJobAsync(new() { Tenant = "rival", JobId = job }));
        await RefusedAsync(StatusCode.NotFound, async () => await client.CancelJobAsync(new() { Tenant = "rival", JobId = job }));
        await RefusedAsync(StatusCode.InvalidArgument, async () => await client.ListAsync(new()));
        await RefusedAsync(StatusCode.InvalidArgument, async () => await client.GetAsync(new() { Id = mine.Id }));
        Assert.Equal(2, (await client.ListAsync(new() { Filter = new() { Tenant = "rival" } })).DeadLetters.Single().Position);
    }

    [Fact]
    public async Task Pages_are_walked_by_key_and_a_token_serves_only_its_filter()
    {
        await using var world = await World.CreateAsync();
        var replica = await world.StartReplicaAsync();
        for (var position = 1; position <= 7; position++)
            await replica.DeliverDeadAsync(Envelopes.Of(position));
        var client = new Client(replica.Channel);
        var request = new ListRequest { Filter = new() { Tenant = Envelopes.Tenant }, PageSize = 3 };
        var seen = new List<long>();
        var first = "";
        do
        {
            var page = await client.ListAsync(request);
            seen.AddRange(page.DeadLetters.Select(static letter => letter.Position));
            Assert.Equal(request.PageToken.Length == 0 ? 1 : 0, page.Causes.Count);
            request.PageToken = page.NextPageToken;
            first = first.Length == 0 ? page.NextPageToken : first;
        }
        while (request.PageToken.Length > 0);

        Assert.Equal([7, 6, 5, 4, 3, 2, 1], seen);
        await RefusedAsync(StatusCode.InvalidArgument, async () => await client.ListAsync(new() { Filter = new() { Tenant = "rival" }, PageToken = first }));
        await RefusedAsync(StatusCode.InvalidArgument, async () => await client.ListAsync(new() { Filter = new() { Tenant = Envelopes.Tenant }, PageToken = "nonsense!" }));
        await RefusedAsync(StatusCode.InvalidArgument, async () => await client.ListAsync(new() { Filter = new() { Tenant = Envelopes.Tenant }, PageSize = 501 }));
    }

    [Fact]
    public async Task Filters_restrict_by_type_category_and_error()
    {
        await using var world = await World.CreateAsync();
        var replica = await world.StartReplicaAsync();
        await replica.DeliverAsync(Envelopes.Of(1, TestHandler.PoisonType));
        await replica.DeliverDeadAsync(Envelopes.Of(1, TestHandler.PoisonType));
        await replica.DeliverDeadAsync(Envelopes.Of(2));
        var client = new Client(replica.Channel);

        async Task<string> FindAsync(DeadLetterFilter filter)
        {
            filter.Tenant = Envelopes.Tenant;
            return string.Join(' ', (await client.ListAsync(new() { Filter = filter })).DeadLetters.Select(static letter => letter.Position));
        }

        Assert.Equal("2 1", await FindAsync(new()));
        Assert.Equal("1", await FindAsync(new() { Types_ = { TestHandler.PoisonType, "other" } }));
        Assert.Equal("2", await FindAsync(new() { Category = "transient" }));
        Assert.Equal("1", await FindAsync(new() { Error = typeof(PoisonException).FullName! }));
        Assert.Equal("", await FindAsync(new() { State = State.Discarded }));
    }

    [Fact]
    public async Task The_invoked_methods_speak_the_same_json()
    {
        await using var world = await World.CreateAsync();
        var replica = await world.StartReplicaAsync();
        await replica.DeliverDeadAsync(Envelopes.Of(1));
        await replica.DeliverDeadAsync(Envelopes.Of(2));

        var (_, list) = await replica.PostAsync("/dead-letters/list", """{"filter":{"tenant":"acme"}}""");
        var ids = list.GetProperty("dead_letters").EnumerateArray().Select(static letter => letter.GetProperty("id").GetString()!).ToList();
        var (_, replay) = await replica.PostAsync("/dead-letters/replay", $$"""{"ids":["{{ids[1]}}"]}""");
        var (_, discard) = await replica.PostAsync("/dead-letters/discard", $$"""{"ids":["{{ids[0]}}"],"reason":"spam"}""");
        var jobId = replay.GetProperty("job_id").GetString();
        await World.UntilAsync(async () => (await replica.PostAsync("/dead-letters/job", $$"""{"job_id":"{{jobId}}"}""")).Answer.GetProperty("state").GetString(), "done");

        Assert.Equal("1", discard.GetProperty("discarded").GetString());
        Assert.Equal("1", await world.EffectsAsync());
        Assert.Equal(HttpStatusCode.BadRequest, (await replica.PostAsync("/dead-letters/replay", "{oops")).Status);
        Assert.Equal(HttpStatusCode.BadRequest, (await replica.PostAsync("/dead-letters/replay", "{}")).Status);
        Assert.Equal(HttpStatusCode.NotFound, (await replica.PostAsync("/dead-letters/discard", $$"""{"ids":["{{Guid.NewGuid()}}"]}""")).Status);
        Assert.Equal(HttpStatusCode.Conflict, (await replica.PostAsync("/dead-letters/replay", $$"""{"ids":["{{ids[0]}}"]}""")).Status);
    }

    internal static async Task RefusedAsync(StatusCode expected, Func<Task> call) =>
        Assert.Equal(expected, (await Assert.ThrowsAsync<RpcException>(call)).StatusCode);
}
