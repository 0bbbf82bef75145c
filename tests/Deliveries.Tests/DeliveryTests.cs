using System.Net;
using WhatsAppMesh.DeadLetters.V1;
using WhatsAppMesh.Events;
using WhatsAppMesh.Events.V1;
using DeadLettersClient = WhatsAppMesh.DeadLetters.V1.DeadLetters.DeadLettersClient;

namespace WhatsAppMesh.Deliveries.Tests;

public sealed class DeliveryTests
{
    [Fact]
    public async Task The_same_batch_again_is_applied_once()
    {
        await using var world = await World.CreateAsync();
        var replica = await world.StartReplicaAsync();

        Assert.All(await replica.DeliverAsync(Envelopes.Range(1, 5)), static status => Assert.Equal("SUCCESS", status));
        Assert.All(await replica.DeliverAsync(Envelopes.Range(1, 5)), static status => Assert.Equal("SUCCESS", status));

        Assert.Equal("1 2 3 4 5", await world.EffectsAsync());
        Assert.Equal("{[1,6)}", await world.AccountAsync());
    }

    [Fact]
    public async Task An_event_twice_in_one_batch_is_applied_once()
    {
        await using var world = await World.CreateAsync();
        var replica = await world.StartReplicaAsync();

        Assert.Equal(["SUCCESS", "SUCCESS", "SUCCESS"], await replica.DeliverAsync(Envelopes.Of(2), Envelopes.Of(1), Envelopes.Of(2)));

        Assert.Equal("1 2", await world.EffectsAsync());
    }

    [Fact]
    public async Task The_handler_learns_which_trace_an_event_belongs_to()
    {
        await using var world = await World.CreateAsync();
        var replica = await world.StartReplicaAsync();

        await replica.DeliverAsync(Envelopes.Of(1), Envelopes.Of(2));

        var context = Assert.Single(replica.Handler.Contexts);
        Assert.Contains(Envelopes.TraceId, context.TraceParentOf(1, 2), StringComparison.Ordinal);
        Assert.Null(context.TraceParentOf(1, 3));
    }

    [Fact]
    public async Task A_single_event_is_taken_as_well()
    {
        await using var world = await World.CreateAsync();
        var replica = await world.StartReplicaAsync();

        var (status, answer) = await replica.PostAsync("/events", Envelopes.Of(7));

        Assert.Equal(HttpStatusCode.OK, status);
        Assert.Equal("SUCCESS", answer.GetProperty("status").GetString());
        Assert.Equal("{[7,8)}", await world.AccountAsync());
    }

    [Fact]
    public async Task Two_replicas_with_overlapping_batches_in_any_order_apply_each_event_once()
    {
        await using var world = await World.CreateAsync();
        Replica[] replicas = [await world.StartReplicaAsync(), await world.StartReplicaAsync()];
        var random = new Random(4);
        var batches = Enumerable.Range(0, 40).Select(_ =>
        {
            var from = random.Next(1, 180);
            return Envelopes.Range(from, from + 20).OrderBy(_ => random.Next()).ToList();
        }).Append([.. Envelopes.Range(1, 200)]).ToList();

        var answers = await Task.WhenAll(batches.Select((batch, n) => replicas[n % 2].DeliverAsync(batch)));

        Assert.All(answers.SelectMany(static answer => answer), static status => Assert.Equal("SUCCESS", status));
        Assert.Equal(string.Join(' ', Enumerable.Range(1, 200)), await world.EffectsAsync());
        Assert.Equal("{[1,201)}", await world.AccountAsync());
    }

    [Fact]
    public async Task Concurrent_deliveries_are_merged_into_bigger_batches()
    {
        await using var world = await World.CreateAsync();
        var release = world.Gate();
        var replica = await world.StartReplicaAsync(new TestHandler { Before = (value, _) => value.Position == 1 ? release.Task : Task.CompletedTask });

        var first = replica.DeliverAsync(Envelopes.Of(1));
        await World.UntilAsync(() => Task.FromResult(replica.Handler.Batches.Count), 1);
        var rest = Enumerable.Range(2, 30).Select(position => replica.DeliverAsync(Envelopes.Of(position))).ToList();
        await World.UntilAsync(() => Task.FromResult(replica.Service<BatchProcessor>().Queued), 30);
        release.SetResult();
        await Task.WhenAll(rest.Append(first));

        Assert.Equal([1, 30], replica.Handler.Batches);
    }

    [Fact]
    public async Task A_poisoned_event_does_not_fail_its_neighbours()
    {
        await using var world = await World.CreateAsync();
        var replica = await world.StartReplicaAsync();

        var statuses = await replica.DeliverAsync(Envelopes.Range(1, 30).Append(Envelopes.Of(31, TestHandler.PoisonType)).Concat(Envelopes.Range(32, 60)));

        Assert.Equal(["DROP"], statuses.Where(static status => status != "SUCCESS"));
        Assert.Equal("DROP", statuses[30]);
        Assert.Equal("{[1,31),[32,61)}", await world.AccountAsync());
        Assert.Equal("poison WhatsAppMesh.Deliveries.PoisonException decide 1 " + Envelopes.TraceId, await world.QueryAsync<string>(
            "select category || ' ' || error || ' ' || step || ' ' || attempts || ' ' || trace_id from deliveries.failures where position = 31"));
    }

    [Fact]
    public async Task An_unknown_type_is_acknowledged_and_accounted_for_without_the_handler()
    {
        await using var world = await World.CreateAsync();
        var replica = await world.StartReplicaAsync();

        Assert.Equal(["SUCCESS"], await replica.DeliverAsync(Envelopes.Of(1, TestHandler.UnknownType)));

        Assert.Empty(replica.Handler.Batches);
        Assert.Equal("{[1,2)}", await world.AccountAsync());
        Assert.Contains("mesh_consumer_events_total{result=\"ignored\",service=\"consumer\",type=\"other\"} ", await replica.GetTextAsync("/metrics"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_type_told_by_somebody_who_may_not_is_as_good_as_unknown()
    {
        await using var world = await World.CreateAsync();
        var replica = await world.StartReplicaAsync(null, (Replica.ServiceKey, "forged"));
        CollectedEvent[] told = [.. new[] { "member.joined", "trigger.fired", "lead.stage_changed" }
            .SelectMany(static type => new[] { "default", EventOrigin.TellerOf(type)! }, static (type, source) => (type, source))
            .Select(static (one, i) => new CollectedEvent(Envelopes.Event(i + 1, one.type)) { Source = one.source })];
        world.Lake.Add(told);

        Assert.All(await replica.DeliverAsync(told.Select(static value => Envelopes.Of(value))), static status => Assert.Equal("SUCCESS", status));
        var client = new DeadLettersClient(replica.Channel);
        await ReplayTests.DoneAsync(client, (await client.ReplayAsync(new()
        {
            Tenant = Envelopes.Tenant, Ranges = { new PositionRange { Log = 1, From = 1, To = 1 } }, Reason = "again",
        })).JobId);

        Assert.Equal("2 4 6", await world.EffectsAsync());
        Assert.Equal("{[1,7)}", await world.AccountAsync());
        Assert.Contains("mesh_consumer_events_total{result=\"ignored\",service=\"forged\",type=\"other\"} 3", await replica.GetTextAsync("/metrics"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_lag_is_that_of_what_is_new()
    {
        await using var world = await World.CreateAsync();
        var replica = await world.StartReplicaAsync(null, (Replica.ServiceKey, "late"));
        var (imported, collected) = (Envelopes.Event(1), Envelopes.Event(2));
        imported.Imported = true;

        await replica.DeliverAsync(Envelopes.Of(imported), Envelopes.Of(collected));

        Assert.Equal("1 2", await world.EffectsAsync());
        Assert.Contains("mesh_consumer_lag_seconds_count{service=\"late\"} 1", await replica.GetTextAsync("/metrics"), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{"id":"x-1","data":"text"}""")]
    [InlineData("""{"id":"x-1","data_base64":"AAE="}""")]
    [InlineData("""{"id":"x-1","data":{"log":1,"tenant":"acme","type":"t"}}""")]
    [InlineData("""{"id":"x-1","data":{"log":"many","position":"1","tenant":"acme","type":"t"}}""")]
    [InlineData("""{"id":"x-1"}""")]
    public async Task An_envelope_without_an_event_is_poison_and_harms_nobody(string envelope)
    {
        await using var world = await World.CreateAsync();
        var replica = await world.StartReplicaAsync();

        Assert.Equal(["SUCCESS", "DROP", "SUCCESS"], await replica.DeliverAsync(Envelopes.Of(1), envelope, Envelopes.Of(2)));

        Assert.Equal("{[1,3)}", await world.AccountAsync());
        Assert.Equal("0/0 x-1 read", await world.QueryAsync<string>("select log || '/' || position || ' ' || envelope_key || ' ' || step from deliveries.failures"));
    }

    [Theory]
    [InlineData("{oops")]
    [InlineData("[]")]
    [InlineData("")]
    [InlineData("""{"entries":{}}""")]
    public async Task A_body_that_is_no_delivery_is_refused(string body)
    {
        await using var world = await World.CreateAsync();
        var replica = await world.StartReplicaAsync();

        var (status, answer) = await replica.PostAsync("/events", body);

        Assert.Equal(HttpStatusCode.BadRequest, status);
        Assert.Equal("invalid_body", answer.GetProperty("code").GetString());
    }

    [Fact]
    public async Task A_payload_that_stayed_in_the_lake_is_fetched()
    {
        await using var world = await World.CreateAsync();
        var replica = await world.StartReplicaAsync();
        var stored = Envelopes.Event(1);
        stored.PayloadJson = $$"""{"big":"{{new string('x', 5_000_000)}}"}""";
        world.Lake.Add(stored);
        var slim = new CollectedEvent(stored) { PayloadJson = "", PayloadInLake = true };

        Assert.Equal(["SUCCESS"], await replica.DeliverAsync(Envelopes.Of(slim)));

        Assert.Equal(stored.PayloadJson.Length, await world.QueryAsync<int>("select length(payload) from effects"));
        Assert.Equal("ingest", world.Lake.LastHeaders.GetValue("dapr-app-id"));
    }

    [Fact]
    public async Task A_payload_that_the_lake_no_longer_has_is_poison_and_a_lake_that_does_not_answer_is_not()
    {
        await using var world = await World.CreateAsync();
        var replica = await world.StartReplicaAsync();
        var slim = new CollectedEvent(Envelopes.Event(1)) { PayloadJson = "", PayloadInLake = true };

        Assert.Equal(["DROP", "SUCCESS"], await replica.DeliverAsync(Envelopes.Of(slim), Envelopes.Of(2)));
        await world.Lake.DisposeAsync();
        Assert.Equal(["RETRY", "SUCCESS"], await replica.DeliverAsync(Envelopes.Of(slim), Envelopes.Of(3)));
    }

    [Fact]
    public async Task Without_the_sidecars_token_nothing_is_taken()
    {
        await using var world = await World.CreateAsync();
        var replica = await world.StartReplicaAsync(null, ("APP_API_TOKEN", "let-me-in"));

        foreach (var path in new[] { "/events", "/events/dead", "/events/replay", "/dead-letters/replay", "/dead-letters/list", "/dead-letters/discard" })
        {
            Assert.Equal(HttpStatusCode.Unauthorized, (await replica.PostAsync(path, Envelopes.Of(1))).Status);
            Assert.Equal(HttpStatusCode.Unauthorized, (await replica.PostAsync(path, Envelopes.Of(1), "guess")).Status);
        }

        Assert.Equal("", await world.AccountAsync());
        Assert.Equal(HttpStatusCode.OK, (await replica.PostAsync("/events", Envelopes.Of(1), "let-me-in")).Status);
        Assert.Equal("{[1,2)}", await world.AccountAsync());
    }
}
