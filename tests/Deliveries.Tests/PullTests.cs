using Client = WhatsAppMesh.DeadLetters.V1.DeadLetters.DeadLettersClient;

namespace WhatsAppMesh.Deliveries.Tests;

public sealed class PullTests
{
    private static readonly (string, string) Pulling = ("Deliveries:Pull", "true");

    [Fact]
    public async Task Holes_are_filled_from_the_lake_after_the_grace()
    {
        await using var world = await World.CreateAsync();
        world.Lake.Add(Enumerable.Range(1, 50).Select(static position => Envelopes.Event(position)));
        var replica = await world.StartReplicaAsync(null, Pulling);

        await replica.DeliverAsync(Envelopes.Range(1, 50).Where(static (_, n) => n % 7 != 3));

        await World.UntilAsync(() => world.AccountAsync(), "{[1,51)}");
        Assert.Equal(string.Join(' ', Enumerable.Range(1, 50)), await world.EffectsAsync());
        Assert.Equal("ingest", world.Lake.LastHeaders.GetValue("dapr-app-id"));
    }

    [Fact]
    public async Task An_empty_consumer_catches_up_while_live_events_keep_flowing()
    {
        await using var world = await World.CreateAsync();
        world.Lake.Add(Enumerable.Range(1, 5000).Select(static position => Envelopes.Event(position)));
        var release = world.Gate();
        world.Lake.Before = value => value.Position == 3500 ? release.Task : Task.CompletedTask;
        await world.StartReplicaAsync(null, Pulling, ("Deliveries:PullBatchSize", "100"), ("Deliveries:PullGrace", "00:10:00"));
        var other = await world.StartReplicaAsync(null, Pulling, ("Deliveries:PullBatchSize", "100"), ("Deliveries:PullGrace", "00:10:00"));

        // The first half of the live events is applied while the lake holds back: the account has a hole below them.
        for (var position = 5001; position <= 5200; position++)
        {
            world.Lake.Add(Envelopes.Event(position));
            Assert.Equal(["SUCCESS"], await other.DeliverAsync(Envelopes.Of(position)));
            if (position == 5100)
                release.SetResult();
        }

        await World.UntilAsync(() => world.AccountAsync(), "{[1,5201)}");
        Assert.Equal(5200, await world.QueryAsync<long>("select count(*) from effects"));
        await World.UntilAsync(async () => (await other.Service<RebuildState>().GetAsync(default)).IsComplete, true);
    }

    [Fact]
    public async Task A_rebuild_says_how_far_it_is_until_it_is_complete_for_good()
    {
        await using var world = await World.CreateAsync();
        world.Lake.Add(Enumerable.Range(1, 40).Select(static position => Envelopes.Event(position)));
        var release = world.Gate();
        var handler = new TestHandler { Before = (value, _) => value.Position == 21 ? release.Task : Task.CompletedTask };
        var replica = await world.StartReplicaAsync(handler, Pulling, ("Deliveries:PullBatchSize", "10"));
        var rebuild = replica.Service<RebuildState>();

        await World.UntilAsync(() => rebuild.GetAsync(default), new RebuildProgress(false, 20, 40));
        release.SetResult();
        await World.UntilAsync(() => rebuild.GetAsync(default), new RebuildProgress(true, 40, 40));

        world.Lake.Add(Enumerable.Range(41, 40).Select(static position => Envelopes.Event(position)));
        Assert.True((await rebuild.GetAsync(default)).IsComplete);
    }

    [Fact]
    public async Task Poison_that_the_pull_meets_becomes_a_dead_letter_without_the_transport()
    {
        await using var world = await World.CreateAsync();
        world.Lake.Add(Envelopes.Event(1), Envelopes.Event(2, TestHandler.PoisonType), Envelopes.Event(3));
        var replica = await world.StartReplicaAsync(null, Pulling);

        await World.UntilAsync(() => world.AccountAsync(), "{[1,4)}");

        Assert.Equal("1 3", await world.EffectsAsync());
        var client = new Client(replica.Channel);
        var letter = Assert.Single((await client.ListAsync(new() { Filter = new() { Tenant = Envelopes.Tenant } })).DeadLetters);
        Assert.Equal((2L, "poison", "decide"), (letter.Position, letter.Category, letter.Step));
        var envelope = (await client.GetAsync(new() { Tenant = Envelopes.Tenant, Id = letter.Id })).EnvelopeJson;
        Assert.Equal(Envelopes.Event(2, TestHandler.PoisonType), CloudEventReader.ReadStored(envelope).Event);
    }

    [Fact]
    public async Task What_failed_a_moment_ago_is_left_to_the_transport_and_fetched_when_it_stays_away()
    {
        await using var world = await World.CreateAsync();
        var fails = true;
        var replica = await world.StartReplicaAsync(
            new TestHandler { Before = (_, _) => Volatile.Read(ref fails) ? throw new TimeoutException() : Task.CompletedTask }, Pulling, ("Deliveries:FailureGrace", "01:00:00"));
        // The transport brings it first, the lake knows it only afterwards: so it is the transport's failure that the pull sees.
        Assert.Equal(["RETRY"], await replica.DeliverAsync(Envelopes.Of(1)));
        Volatile.Write(ref fails, false);
        world.Lake.Add(Envelopes.Event(1));
        var requests = Volatile.Read(ref world.Lake.Requests);
        await World.UntilAsync(() => Task.FromResult(Volatile.Read(ref world.Lake.Requests) > requests + 8), true);
        Assert.Single(replica.Handler.Batches);

        await world.ExecuteAsync("update deliveries.failures set last_at = last_at - interval '2 hours'");

        await World.UntilAsync(() => world.AccountAsync(), "{[1,2)}");
        Assert.Equal("1", await world.EffectsAsync());
    }

    [Fact]
    public async Task What_never_succeeds_for_reasons_of_its_own_dies_in_the_end_so_that_a_rebuild_completes()
    {
        await using var world = await World.CreateAsync();
        world.Lake.Add(Enumerable.Range(1, 5).Select(static position => Envelopes.Event(position)));
        var replica = await world.StartReplicaAsync(
            new TestHandler { Before = static (value, _) => value.Position == 3 ? throw new TimeoutException("Always.") : Task.CompletedTask },
            Pulling, ("Deliveries:FailureGrace", "00:00:00.05"), ("Deliveries:GiveUpAttempts", "4"), ("Deliveries:GiveUpAfter", "00:00:00.3"));

        await World.UntilAsync(async () => (await replica.Service<RebuildState>().GetAsync(default)).IsComplete, true);

        Assert.Equal("1 2 4 5", await world.EffectsAsync());
        Assert.Equal("{[1,6)}", await world.AccountAsync());
        var letter = Assert.Single((await new Client(replica.Channel).ListAsync(new() { Filter = new() { Tenant = Envelopes.Tenant } })).DeadLetters);
        Assert.Equal((3L, "transient", typeof(TimeoutException).FullName), (letter.Position, letter.Category, letter.Error));
        Assert.True(letter.Attempts >= 4, $"{letter.Attempts} attempts");
        Assert.True(letter.DeadAt.ToDateTime() - letter.FirstFailedAt.ToDateTime() >= TimeSpan.FromSeconds(0.3));
        Assert.Equal("3", await DiscardTests.SetAsync(replica, "dead", head: 5));
    }

    [Fact]
    public async Task An_account_that_cannot_be_locked_is_no_events_fault_however_long_it_lasts()
    {
        await using var world = await World.CreateAsync();
        world.Lake.Add(Envelopes.Event(1));
        await world.ExecuteAsync("insert into deliveries.account (log) values (1)");
        await using var holder = await world.Sql.OpenConnectionAsync();
        var transaction = await holder.BeginTransactionAsync();
        await using (var command = new Npgsql.NpgsqlCommand("select from deliveries.account for update", holder, transaction))
            await command.ExecuteNonQueryAsync();
        await world.StartReplicaAsync(
            null, Pulling, ("Deliveries:FailureGrace", "00:00:00.05"), ("Deliveries:LockTimeout", "00:00:00.05"), ("Deliveries:GiveUpAttempts", "2"), ("Deliveries:GiveUpAfter", "00:00:00.1"));

        await World.UntilAsync(() => world.QueryAsync<bool>("select coalesce(max(attempts), 0) >= 6 from deliveries.failures"), true);
        await transaction.RollbackAsync();

        await World.UntilAsync(() => world.AccountAsync(), "{[1,2)}");
        Assert.Equal("1", await world.EffectsAsync());
    }

    [Fact]
    public async Task A_batch_ends_at_its_bytes_as_well_as_at_its_count()
    {
        await using var world = await World.CreateAsync();
        world.Lake.Add(Enumerable.Range(1, 12).Select(static position =>
        {
            var value = Envelopes.Event(position);
            value.PayloadJson = $$"""{"big":"{{new string('x', 30_000)}}"}""";
            return value;
        }));
        var replica = await world.StartReplicaAsync(null, Pulling, ("Deliveries:PullBatchBytes", "100000"));

        await World.UntilAsync(() => world.AccountAsync(), "{[1,13)}");

        Assert.All(replica.Handler.Batches, static size => Assert.InRange(size, 1, 4));
    }

    [Fact]
    public async Task What_came_before_a_stream_broke_is_kept()
    {
        await using var world = await World.CreateAsync();
        world.Lake.Add(Enumerable.Range(1, 20).Select(static position => Envelopes.Event(position)));
        world.Lake.Before = static value => value.Position == 8 ? throw new Grpc.Core.RpcException(new(Grpc.Core.StatusCode.Unavailable, "gone")) : Task.CompletedTask;
        await world.StartReplicaAsync(null, Pulling);

        await World.UntilAsync(() => world.AccountAsync(), "{[1,8)}");
        world.Lake.Before = null;
        await World.UntilAsync(() => world.AccountAsync(), "{[1,21)}");
        Assert.Equal(string.Join(' ', Enumerable.Range(1, 20)), await world.EffectsAsync());
    }

    [Fact]
    public async Task What_the_pull_counts_is_there_from_the_start_and_what_is_missing_once_it_is_known()
    {
        await using var world = await World.CreateAsync();
        var replica = await world.StartReplicaAsync();

        var metrics = await replica.GetTextAsync("/metrics");

        foreach (var result in new[] { "applied", "known", "dead", "retry" })
            Assert.Contains($"mesh_consumer_pulled_total{{result=\"{result}\",service=\"consumer\"}} 0", metrics, StringComparison.Ordinal);
        Assert.DoesNotContain("mesh_consumer_missing_events{", metrics, StringComparison.Ordinal);

        var pulling = await world.StartReplicaAsync(null, Pulling);
        await World.UntilAsync(
            async () => (await pulling.GetTextAsync("/metrics")).Contains("mesh_consumer_missing_events{service=\"consumer\"} 0", StringComparison.Ordinal), true);
    }

    [Fact]
    public async Task Retired_positions_are_recorded_as_such()
    {
        await using var world = await World.CreateAsync();
        world.Lake.Add(Enumerable.Range(1, 20).Select(static position => Envelopes.Event(position)));
        world.Lake.RetireBelow(log: 1, oldest: 11);
        var replica = await world.StartReplicaAsync(null, Pulling);
        await replica.DeliverAsync(Envelopes.Of(3));

        await World.UntilAsync(() => world.AccountAsync(), "{[1,21)}");

        var sets = (await replica.GetAsync("/audit")).GetProperty("logs")[0];
        var applied = PositionSet.Parse(sets.GetProperty("applied").GetProperty("positions").GetString()!);
        var retired = PositionSet.Parse(sets.GetProperty("retired").GetProperty("positions").GetString()!);
        Assert.True(applied.Intersect(retired).IsEmpty);
        Assert.Equal(PositionSet.Range(1, 20), applied.Union(retired));
        Assert.Equal("{[11,21)}", applied.Subtract(PositionSet.Of([3])).ToString());
    }

    [Fact]
    public async Task A_new_log_after_a_restore_is_accounted_for_on_its_own()
    {
        await using var world = await World.CreateAsync();
        world.Lake.Add(Envelopes.Event(1), Envelopes.Event(2), Envelopes.Event(1, log: 2));
        await world.StartReplicaAsync(null, Pulling);

        await World.UntilAsync(async () => await world.AccountAsync(1) + await world.AccountAsync(2), "{[1,3)}{[1,2)}");
        Assert.Equal("1 2", await world.EffectsAsync());
        Assert.Equal("1", await world.EffectsAsync(log: 2));
    }

    [Fact]
    public async Task Another_replica_pulls_when_the_one_that_did_is_gone()
    {
        await using var world = await World.CreateAsync();
        world.Lake.Add(Envelopes.Event(1));
        var first = await world.StartReplicaAsync(null, Pulling);
        await world.StartReplicaAsync(null, Pulling);
        await World.UntilAsync(() => world.AccountAsync(), "{[1,2)}");

        await world.StopAsync(first);
        world.Lake.Add(Envelopes.Event(2));

        await World.UntilAsync(() => world.AccountAsync(), "{[1,3)}");
    }

    [Fact]
    public async Task The_audit_puts_every_position_in_exactly_one_set()
    {
        await using var world = await World.CreateAsync();
        var replica = await world.StartReplicaAsync();
        await replica.DeliverAsync(Envelopes.Range(1, 5));
        await replica.DeliverDeadAsync(Envelopes.Of(6));
        await replica.DeliverAsync(Envelopes.Of(9));

        var sets = (await replica.GetAsync("/audit?heads=1:8,2:3")).GetProperty("logs");

        string Show(int log, string set) => sets[log].GetProperty(set).GetProperty("positions").GetString()!;
        Assert.Equal(("{[1,6)}", "{[6,7)}", "{[7,9)}", "{[9,10)}"), (Show(0, "applied"), Show(0, "dead"), Show(0, "pending"), Show(0, "never_logged")));
        Assert.Equal("{[1,4)}", Show(1, "pending"));
    }

    [Theory]
    [InlineData(1, 100, 100, "{}", "{}", "{[1,101)}", true)]
    [InlineData(1, 100, 0, "{[1,95)}", "{}", "{}", false)]
    [InlineData(1, 100, 97, "{[1,95)}", "{}", "{[95,98)}", false)]
    [InlineData(1, 100, 97, "{[1,95)}", "{[96,97)}", "{[95,96),[97,98)}", false)]
    [InlineData(50, 100, 100, "{}", "{}", "{[50,101)}", true)]
    [InlineData(101, 100, 100, "{}", "{}", "{}", false)]
    public void The_plan_fetches_what_is_due(long oldest, long newest, long settled, string done, string failing, string fetch, bool isCatchingUp)
    {
        var plan = PullPlan.Decide(oldest, newest, settled, PositionSet.Parse(done), PositionSet.Parse(failing), batchSize: 10);

        Assert.Equal((fetch, isCatchingUp), (plan.Fetch.ToString(), plan.IsCatchingUp));
        Assert.Equal(PositionSet.Range(1, oldest - 1), plan.Retired);
    }

    [Fact]
    public void A_head_is_settled_once_it_is_as_old_as_the_grace()
    {
        var heads = new HeadHistory(TimeSpan.FromSeconds(30));
        var start = DateTimeOffset.UnixEpoch;

        Assert.Equal(0, heads.Observe(1, 10, start));
        Assert.Equal(0, heads.Observe(1, 20, start.AddSeconds(29)));
        Assert.Equal(10, heads.Observe(1, 30, start.AddSeconds(31)));
        Assert.Equal(20, heads.Observe(1, 30, start.AddSeconds(60)));
        Assert.Equal(0, heads.Observe(2, 5, start.AddSeconds(60)));
    }
}
