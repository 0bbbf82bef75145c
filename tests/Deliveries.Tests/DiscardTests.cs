using System.Text.Json;
using WhatsAppMesh.DeadLetters.V1;
using WhatsAppMesh.Events.V1;
using Client = WhatsAppMesh.DeadLetters.V1.DeadLetters.DeadLettersClient;

namespace WhatsAppMesh.Deliveries.Tests;

/// <summary>A person's decision to give an event up: told through the lake, met again by an emptied consumer, taken back by a replay.</summary>
public sealed class DiscardTests
{
    private const long Poisoned = 2;

    private static readonly (string, string) Pulling = ("Deliveries:Pull", "true");

    [Fact]
    public async Task A_discard_is_told_through_the_lake_once_under_an_id_of_its_own()
    {
        await using var world = await World.CreateAsync();
        var replica = await world.StartReplicaAsync();
        await LogThreeAsync(world, replica);

        var id = await DiscardAsync(replica);

        await World.UntilAsync(() => world.QueryAsync<long>("select count(*) from deliveries.outbox"), 0);
        var told = Assert.Single(Assert.Single(world.Lake.Appends, static request => request.Service == "consumer").Events);
        Assert.Equal((Discard.EventType, Envelopes.Tenant), (told.Type, told.Tenant));
        Assert.Equal(new Discard("consumer", 1, Poisoned, Guid.Parse(id), "ana", "spam").EventId.ToString(), told.EventId);
        var payload = JsonDocument.Parse(told.PayloadJson).RootElement;
        Assert.Equal(("consumer", 1, Poisoned, "ana", "spam"), (
            payload.GetProperty("service").GetString(), payload.GetProperty("log").GetInt32(), payload.GetProperty("position").GetInt64(),
            payload.GetProperty("who").GetString(), payload.GetProperty("reason").GetString()));
    }

    [Fact]
    public async Task A_discard_waits_while_the_lake_is_away()
    {
        await using var world = await World.CreateAsync();
        var replica = await world.StartReplicaAsync();
        await LogThreeAsync(world, replica);
        await world.Lake.DisposeAsync();

        await DiscardAsync(replica);

        Assert.Equal(1, await world.QueryAsync<long>("select count(*) from deliveries.outbox"));
        Assert.Equal("2", await SetAsync(replica, "discarded"));
    }

    [Fact]
    public async Task What_comes_back_to_the_one_that_decided_is_no_news()
    {
        await using var world = await World.CreateAsync();
        var replica = await world.StartReplicaAsync();
        await LogThreeAsync(world, replica);
        await DiscardAsync(replica);
        await World.UntilAsync(() => Task.FromResult(world.Lake.Appends.Count), 1);

        Assert.Equal(["SUCCESS"], await replica.DeliverAsync(Envelopes.Of(world.Lake.At(4))));

        Assert.Equal(1, await world.QueryAsync<long>("select count(*) from deliveries.audit_trail"));
        Assert.Equal(("1,3,4", "", "2"), (await SetAsync(replica, "applied"), await SetAsync(replica, "dead"), await SetAsync(replica, "discarded")));
    }

    [Theory]
    [InlineData("the event first")]
    [InlineData("the discard first")]
    [InlineData("pulled")]
    [InlineData("the discard first, then pulled")]
    public async Task An_emptied_consumer_that_meets_both_again_ends_with_the_event_discarded(string order)
    {
        await using var world = await World.CreateAsync();
        var before = await world.StartReplicaAsync();
        await LogThreeAsync(world, before);
        await DiscardAsync(before);
        await World.UntilAsync(() => Task.FromResult(world.Lake.Appends.Count), 1);
        await world.StopAsync(before);
        await EmptyAsync(world);

        var replica = await world.StartReplicaAsync(null, order == "pulled" ? [Pulling] : []);
        if (order == "the event first")
            await DieAsync(replica);
        if (order != "pulled")
            Assert.Equal(["SUCCESS"], await replica.DeliverAsync(Envelopes.Of(world.Lake.At(4))));
        if (order == "the discard first")
            await DieAsync(replica);
        if (order == "the discard first, then pulled")
        {
            await world.StopAsync(replica);
            replica = await world.StartReplicaAsync(null, Pulling);
        }
        else if (order != "pulled")
        {
            await replica.DeliverAsync(Envelopes.Of(1), Envelopes.Of(3));
        }

        await World.UntilAsync(() => world.AccountAsync(), "{[1,5)}");
        await World.UntilAsync(() => SetAsync(replica, "discarded"), "2");
        Assert.Equal(("1,3,4", "", ""), (await SetAsync(replica, "applied"), await SetAsync(replica, "dead"), await SetAsync(replica, "torn")));
        var letter = Assert.Single((await new Client(replica.Channel).ListAsync(new() { Filter = new() { Tenant = Envelopes.Tenant, State = State.Discarded } })).DeadLetters);
        Assert.Equal((Poisoned, true), (letter.Position, letter.SettledAt is not null));
    }

    [Fact]
    public async Task An_emptied_consumer_whose_code_was_mended_applies_what_was_discarded()
    {
        await using var world = await World.CreateAsync();
        var replica = await world.StartReplicaAsync();
        world.Lake.Add(Envelopes.Event(1), Envelopes.Event(2), Envelopes.Event(3));
        Assert.Equal(["SUCCESS"], await replica.DeliverAsync(Envelopes.Of(Told(4, "consumer", Poisoned))));

        await replica.DeliverAsync(Envelopes.Range(1, 3));

        Assert.Equal(("1,2,3,4", "", ""), (await SetAsync(replica, "applied"), await SetAsync(replica, "dead"), await SetAsync(replica, "discarded")));
    }

    [Theory]
    [InlineData("another service", "service:other", "other")]
    [InlineData("another service that names this one", "service:other", "consumer")]
    [InlineData("a collector", "default", "consumer")]
    public async Task Only_the_service_itself_is_believed(string who, string source, string service)
    {
        await using var world = await World.CreateAsync();
        var replica = await world.StartReplicaAsync();
        await LogThreeAsync(world, replica);
        var told = Told(4, service, Poisoned);
        told.Source = source;

        Assert.Equal(["SUCCESS"], await replica.DeliverAsync(Envelopes.Of(told)));

        Assert.True(await SetAsync(replica, "dead") == "2", who);
        Assert.Equal(0, await world.QueryAsync<long>("select count(*) from deliveries.discards"));
    }

    [Theory]
    [InlineData("an import into the tenant", Envelopes.Tenant, true)]
    [InlineData("an import into another tenant", "other", true)]
    [InlineData("the service, of another tenant's", "other", false)]
    public async Task Nobody_gives_up_what_died_in_a_tenant_but_the_tenant_itself(string who, string tenant, bool imported)
    {
        await using var world = await World.CreateAsync();
        var replica = await world.StartReplicaAsync();
        var (before, after) = (Told(4, "consumer", Poisoned), Told(5, "consumer", Poisoned));
        foreach (var told in new[] { before, after })
            (told.Tenant, told.Imported) = (tenant, imported);

        Assert.Equal(["SUCCESS"], await replica.DeliverAsync(Envelopes.Of(before)));
        await LogThreeAsync(world, replica);
        Assert.Equal(["SUCCESS"], await replica.DeliverAsync(Envelopes.Of(after)));

        Assert.Equal((who, "2", ""), (who, await SetAsync(replica, "dead", 5), await SetAsync(replica, "discarded", 5)));
        Assert.Equal(0, await world.QueryAsync<long>("select count(*) from deliveries.audit_trail"));
    }

    [Fact]
    public async Task A_log_that_only_a_discard_names_gets_no_account()
    {
        await using var world = await World.CreateAsync();
        var replica = await world.StartReplicaAsync();
        var told = Told(4, "consumer", Poisoned);
        told.PayloadJson = new Discard("consumer", 99, Poisoned, Guid.NewGuid(), "ana", "spam").ToJson();

        Assert.Equal(["SUCCESS"], await replica.DeliverAsync(Envelopes.Of(told)));

        Assert.Equal("1", await world.QueryAsync<string>("select string_agg(log::text, ',') from deliveries.account"));
    }

    [Theory]
    [InlineData("null")]
    [InlineData("[]")]
    [InlineData("{}")]
    [InlineData("{\"service\":\"consumer\",\"log\":1,\"position\":-2}")]
    [InlineData("{\"service\":7}")]
    [InlineData("")]
    public async Task A_discard_that_says_nothing_is_accounted_for_and_changes_nothing(string payload)
    {
        await using var world = await World.CreateAsync();
        var replica = await world.StartReplicaAsync();
        var told = Told(4, "consumer", Poisoned);
        told.PayloadJson = payload;

        Assert.Equal(["SUCCESS"], await replica.DeliverAsync(Envelopes.Of(told)));

        Assert.Equal("{[4,5)}", await world.AccountAsync());
        Assert.Equal(0, await world.QueryAsync<long>("select count(*) from deliveries.discards"));
    }

    // What a replay by position makes of each set that the position can be in: one set before, one set after, nothing torn.
    [Theory]
    [InlineData("applied", true, "applied", "")]
    [InlineData("applied", false, "dead", "open")]
    [InlineData("pending", true, "applied", "")]
    [InlineData("pending", false, "dead", "open")]
    [InlineData("dead", true, "applied", "replayed")]
    [InlineData("dead", false, "dead", "failed_again open")]
    [InlineData("discarded", true, "applied", "replayed")]
    [InlineData("discarded", false, "dead", "failed_again open")]
    [InlineData("discarded, row gone", true, "applied", "")]
    [InlineData("discarded, row gone", false, "dead", "open")]
    [InlineData("pending, discard told", true, "applied", "")]
    [InlineData("pending, discard told", false, "dead", "open")]
    public async Task A_replay_by_position_leaves_the_position_in_exactly_one_set(string before, bool succeeds, string after, string letters)
    {
        await using var world = await World.CreateAsync();
        var fails = true;
        var replica = await world.StartReplicaAsync(new TestHandler
        {
            Before = (value, _) => value.Position == Poisoned && Volatile.Read(ref fails) ? throw new PoisonException("decide", "Not yet.") : Task.CompletedTask,
        });
        world.Lake.Add(Envelopes.Event(1), Envelopes.Event(2), Envelopes.Event(3));
        if (before == "applied")
        {
            fails = false;
            await replica.DeliverAsync(Envelopes.Of(Poisoned));
        }

        if (before.StartsWith("d", StringComparison.Ordinal))
            await replica.DeliverDeadAsync(Envelopes.Of(Poisoned));
        if (before.StartsWith("discarded", StringComparison.Ordinal))
            await DiscardAsync(replica);
        if (before == "discarded, row gone")
            await world.ExecuteAsync("delete from deliveries.dead_letters");
        if (before == "pending, discard told")
            await replica.DeliverAsync(Envelopes.Of(Told(3, "consumer", Poisoned)));
        var name = before.Split(',')[0];
        Assert.True(await IsInAsync(replica, name));
        fails = !succeeds;

        var client = new Client(replica.Channel);
        await ReplayTests.DoneAsync(client, (await client.ReplayAsync(new()
        {
            Tenant = Envelopes.Tenant, Ranges = { new PositionRange { Log = 1, From = Poisoned, To = Poisoned } }, Reason = "again",
        })).JobId);

        foreach (var set in new[] { "applied", "dead", "discarded", "retired" })
            Assert.Equal((set, set == after), (set, await IsInAsync(replica, set)));
        Assert.False(await IsInAsync(replica, "torn"));
        Assert.Equal(letters, await world.QueryAsync<string>("select coalesce(string_agg(state, ' ' order by incarnation), '') from deliveries.dead_letters"));
    }

    internal static async Task<string> DiscardAsync(Replica replica)
    {
        var client = new Client(replica.Channel);
        var id = Assert.Single((await client.ListAsync(new() { Filter = new() { Tenant = Envelopes.Tenant } })).DeadLetters).Id;
        await client.DiscardAsync(new() { Tenant = Envelopes.Tenant, Ids = { id }, Reason = "spam", RequestedBy = "ana" });
        return id;
    }

    /// <summary>Positions of a set of log 1, one by one.</summary>
    internal static async Task<string> SetAsync(Replica replica, string set, long head = 4)
    {
        var shown = (await replica.GetAsync($"/audit?heads=1:{head}")).GetProperty("logs")[0].GetProperty(set);
        var positions = PositionSet.Parse(shown.GetProperty("positions").GetString()!);
        return string.Join(',', positions.Spans.SelectMany(static span => Enumerable.Range((int)span.From, (int)span.Count)));
    }

    private static async Task<bool> IsInAsync(Replica replica, string set) => (await SetAsync(replica, set)).Split(',').Contains("2");

    private static CollectedEvent Told(long position, string service, long discarded)
    {
        var told = Envelopes.Event(position, Discard.EventType);
        told.Source = $"service:{service}";
        told.PayloadJson = new Discard(service, 1, discarded, Guid.NewGuid(), "ana", "spam").ToJson();
        return told;
    }

    private static async Task LogThreeAsync(World world, Replica replica)
    {
        world.Lake.Add(Envelopes.Event(1), Envelopes.Event(2, TestHandler.PoisonType), Envelopes.Event(3));
        await replica.DeliverAsync(Envelopes.Of(1), Envelopes.Of(3));
        await DieAsync(replica);
    }

    private static async Task DieAsync(Replica replica)
    {
        Assert.Equal(["DROP"], await replica.DeliverAsync(Envelopes.Of(Poisoned, TestHandler.PoisonType)));
        Assert.Equal("SUCCESS", await replica.DeliverDeadAsync(Envelopes.Of(Poisoned, TestHandler.PoisonType)));
    }

    private static Task EmptyAsync(World world) => world.ExecuteAsync(
        """
        truncate effects, deliveries.account, deliveries.failures, deliveries.dead_letters, deliveries.discards, deliveries.outbox,
            deliveries.replay_jobs, deliveries.audit_trail, deliveries.rebuild
        """);
}
