using Grpc.Core;
using WhatsAppMesh.DeadLetters.V1;
using Client = WhatsAppMesh.DeadLetters.V1.DeadLetters.DeadLettersClient;

namespace WhatsAppMesh.Deliveries.Tests;

public sealed class ReplayJobTests
{
    [Fact]
    public async Task A_job_by_filter_replays_what_is_open_and_a_dry_run_only_counts()
    {
        await using var world = await World.CreateAsync();
        var replica = await world.StartReplicaAsync();
        var client = new Client(replica.Channel);
        await BuryAsync(replica, 1, 30);
        var request = new ReplayRequest { Tenant = Envelopes.Tenant, Filter = new() { Category = "transient" }, DryRun = true, Rate = 1000 };

        var dry = await client.ReplayAsync(request);
        Assert.Equal((30L, ""), (dry.Matched, dry.JobId));
        await DeadLetterTests.RefusedAsync(StatusCode.InvalidArgument, async () => await client.ReplayAsync(new(request) { DryRun = false }));

        var job = await ReplayTests.DoneAsync(client, (await client.ReplayAsync(new(request) { DryRun = false, Reason = "fixed" })).JobId);

        Assert.Equal((30L, 30L, 0L), (job.Matched, job.Replayed, job.Failed));
        Assert.NotNull(job.FinishedAt);
        Assert.Equal(string.Join(' ', Enumerable.Range(1, 30)), await world.EffectsAsync());
    }

    [Fact]
    public async Task A_cancelled_job_replays_nothing_more()
    {
        await using var world = await World.CreateAsync();
        var replica = await world.StartReplicaAsync();
        var client = new Client(replica.Channel);
        await BuryAsync(replica, 1, 20);

        // One event per second: the first at once, the second only after the job is cancelled.
        var id = (await client.ReplayAsync(new() { Tenant = Envelopes.Tenant, Filter = new(), Reason = "slow", Rate = 1 })).JobId;
        await World.UntilAsync(async () => (await client.GetJobAsync(new() { Tenant = Envelopes.Tenant, JobId = id })).Job.Replayed > 0, true);
        var cancelled = (await client.CancelJobAsync(new() { Tenant = Envelopes.Tenant, JobId = id, RequestedBy = "ana" })).Job;

        Assert.Equal("cancelled", cancelled.State);
        Assert.InRange(cancelled.Replayed, 1, 19);
        var quick = (await client.ReplayAsync(new() { Tenant = Envelopes.Tenant, Filter = new(), Reason = "the rest", Rate = 1000 })).JobId;
        var rest = await ReplayTests.DoneAsync(client, quick);
        Assert.Equal(20, cancelled.Replayed + rest.Replayed);
        Assert.Equal(string.Join(' ', Enumerable.Range(1, 20)), await world.EffectsAsync());
        await DeadLetterTests.RefusedAsync(StatusCode.FailedPrecondition, async () => await client.CancelJobAsync(new() { Tenant = Envelopes.Tenant, JobId = id }));
    }

    [Fact]
    public async Task A_paused_job_waits_and_goes_on_when_resumed()
    {
        await using var world = await World.CreateAsync();
        var gate = world.Gate();
        var replica = await world.StartReplicaAsync(new TestHandler { Before = (value, _) => value.Position > 3 ? gate.Task : Task.CompletedTask });
        var client = new Client(replica.Channel);
        await BuryAsync(replica, 1, 10);
        var id = (await client.ReplayAsync(new() { Tenant = Envelopes.Tenant, Filter = new(), Reason = "r", Rate = 1000 })).JobId;
        await World.UntilAsync(() => world.EffectsAsync(), "1 2 3");

        var paused = (await client.PauseJobAsync(new() { Tenant = Envelopes.Tenant, JobId = id, RequestedBy = "ana" })).Job;
        Assert.Equal(("paused", 3L), (paused.State, paused.Replayed));

        // The event that was in the handler when the job was paused finds it paused at its commit, and is rolled back.
        gate.SetResult();
        await DeadLetterTests.RefusedAsync(StatusCode.FailedPrecondition, async () => await client.PauseJobAsync(new() { Tenant = Envelopes.Tenant, JobId = id }));
        await World.UntilAsync(() => Task.FromResult(replica.Handler.Batches.Count >= 4), true);
        Assert.Equal("1 2 3", await world.EffectsAsync());
        await client.ResumeJobAsync(new() { Tenant = Envelopes.Tenant, JobId = id });

        Assert.Equal(10, (await ReplayTests.DoneAsync(client, id)).Replayed);
        Assert.Equal("1 2 3 4 5 6 7 8 9 10", await world.EffectsAsync());
    }

    [Fact]
    public async Task A_job_goes_on_after_a_restart_where_it_was()
    {
        await using var world = await World.CreateAsync();
        var first = await world.StartReplicaAsync();
        var second = await world.StartReplicaAsync();
        var client = new Client(first.Channel);
        await BuryAsync(first, 1, 60);
        var id = (await client.ReplayAsync(new() { Tenant = Envelopes.Tenant, Filter = new(), Reason = "r", Rate = 40 })).JobId;
        await World.UntilAsync(async () => (await client.GetJobAsync(new() { Tenant = Envelopes.Tenant, JobId = id })).Job.Replayed >= 5, true);

        // Whichever replica runs it: the one that asked for it goes away, then the other one.
        await world.StopAsync(first);
        await world.StopAsync(second);
        var third = await world.StartReplicaAsync();

        var job = await ReplayTests.DoneAsync(new Client(third.Channel), id);
        Assert.Equal((60L, 60L, 0L), (job.Matched, job.Replayed, job.Failed));
        Assert.Equal(string.Join(' ', Enumerable.Range(1, 60)), await world.EffectsAsync());
    }

    [Fact]
    public async Task A_job_outlives_a_database_that_throws_everybody_out()
    {
        await using var world = await World.CreateAsync();
        var replica = await world.StartReplicaAsync();
        var client = new Client(replica.Channel);
        await BuryAsync(replica, 1, 40);
        var id = (await client.ReplayAsync(new() { Tenant = Envelopes.Tenant, Filter = new(), Reason = "r", Rate = 40 })).JobId;
        await World.UntilAsync(async () => (await world.EffectsAsync()).Length > 5, true);

        await world.ExecuteAsync("select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()");

        await World.UntilAsync(() => world.QueryAsync<string>($"select state from deliveries.replay_jobs where id = '{id}'"), "done");
        Assert.Equal(string.Join(' ', Enumerable.Range(1, 40)), await world.EffectsAsync());
    }

    [Fact]
    public async Task A_ninth_job_does_not_wait_for_the_end_of_eight_long_ones()
    {
        await using var world = await World.CreateAsync();
        var replica = await world.StartReplicaAsync();
        var client = new Client(replica.Channel);
        await BuryAsync(replica, 1, 1);
        world.Lake.Add(Enumerable.Range(2, 1000).Select(static position => Envelopes.Event(position)));
        for (var n = 0; n < 8; n++)
            await client.ReplayAsync(new() { Tenant = Envelopes.Tenant, Ranges = { new PositionRange { Log = 1, From = 2, To = 1001 } }, Reason = "long", Rate = 1 });

        var ninth = (await client.ReplayAsync(new() { Tenant = Envelopes.Tenant, Filter = new(), Reason = "short", Rate = 1 })).JobId;

        Assert.Equal(1, (await ReplayTests.DoneAsync(client, ninth)).Replayed);
        Assert.Equal(8, await world.QueryAsync<long>("select count(*) from deliveries.replay_jobs where state = 'running'"));
    }

    [Fact]
    public void Jobs_take_turns_and_those_that_ended_are_forgotten()
    {
        var turns = new ReplayTurns(2);
        var jobs = Enumerable.Range(0, 5).Select(static _ => Guid.NewGuid()).ToList();

        Assert.Equal([jobs[0], jobs[1]], turns.Next(jobs));
        Assert.Equal([jobs[2], jobs[3]], turns.Next(jobs));
        Assert.Equal([jobs[4], jobs[0]], turns.Next(jobs));
        Assert.Equal([jobs[1]], turns.Next([jobs[1]]));
        Assert.Equal([jobs[0], jobs[2]], turns.Next(jobs));
        Assert.Empty(turns.Next([]));
    }

    private static async Task BuryAsync(Replica replica, long from, long to)
    {
        var (_, answer) = await replica.PostAsync("/events/dead", Envelopes.Bulk(Envelopes.Range(from, to)));
        Assert.All(answer.GetProperty("statuses").EnumerateArray(), static entry => Assert.Equal("SUCCESS", entry.GetProperty("status").GetString()));
    }
}
