using WhatsAppMesh.DevSidecar.Tests.Running;
using WhatsAppMesh.Dispatch.Sending;

namespace WhatsAppMesh.Sends.Tests;

/// <summary>What the statements around a send let pass, and what they remember of earlier attempts.</summary>
public sealed class SendStatementTests : IAsyncLifetime
{
    private static readonly SendOutcome Timeout = new(SendOutcome.Pending, "transient", MayHaveLeft: true);
    private static readonly SendOutcome Throttled = new(SendOutcome.Pending, "throttled");
    private static readonly SendOutcome Refused = new(SendOutcome.Failed, "permanent", DefiniteRefusal: true);

    private JobsDatabase _jobs = null!;

    public async Task InitializeAsync() => _jobs = await JobsDatabase.CreateAsync();

    public async Task DisposeAsync() => await _jobs.DisposeAsync();

    [Fact]
    public async Task A_job_starts_only_when_its_time_has_come_and_never_under_an_older_fence()
    {
        var job = await _jobs.AddAsync();
        var first = await _jobs.StartAsync(job, 5);
        Assert.Equal((1, null), (first!.Attempt, first.EarlierSend));
        Assert.Null(await _jobs.StartAsync(job, 6));
        await _jobs.FinishAsync(first, Throttled with { Wait = TimeSpan.FromHours(1) });

        Assert.Null(await _jobs.StartAsync(job, 6));
        await _jobs.ExecuteAsync("update jobs set next_attempt_at = now()");
        // A worker that took a claim and then slept while others worked.
        Assert.Null(await _jobs.StartAsync(job, 5));
        Assert.Equal(2, (await _jobs.StartAsync(job, 6))!.Attempt);
    }

    [Fact]
    public async Task A_refusal_is_definite_only_when_no_earlier_attempt_may_have_sent_it()
    {
        var (clean, dirty) = (await _jobs.AddAsync(), await _jobs.AddAsync());
        await _jobs.FinishAsync((await _jobs.StartAsync(clean, 1))!, Throttled);
        await _jobs.FinishAsync((await _jobs.StartAsync(dirty, 1))!, Timeout);

        await _jobs.FinishAsync((await _jobs.StartAsync(clean, 2))!, Refused);
        await _jobs.FinishAsync((await _jobs.StartAsync(dirty, 2))!, Refused);

        Assert.True(await IsDefiniteAsync(clean));
        Assert.False(await IsDefiniteAsync(dirty));
        Assert.Equal("failed", await StatusAsync(dirty));
        // Nor does its replay, which goes out under the same key, know better.
        var replay = await _jobs.AddAsync(replayOf: dirty);
        await _jobs.FinishAsync((await _jobs.StartAsync(replay, 3))!, Refused);
        Assert.False(await IsDefiniteAsync(replay));
    }

    [Fact]
    public async Task An_attempt_says_that_it_began_to_send_only_while_it_may_have()
    {
        var job = await _jobs.AddAsync();
        var first = (await _jobs.StartAsync(job, 1))!;
        Assert.True(await BeganAsync(job, 1));
        await _jobs.FinishAsync(first, Throttled);
        Assert.False(await BeganAsync(job, 1));

        await _jobs.FinishAsync((await _jobs.StartAsync(job, 2))!, Timeout);
        Assert.True(await BeganAsync(job, 2));
    }

    [Fact]
    public async Task The_age_of_a_send_that_may_have_left_is_told_over_replays_to_a_broker_that_remembers_keys()
    {
        var original = await _jobs.AddAsync();
        await _jobs.FinishAsync((await _jobs.StartAsync(original, 1))!, Timeout with { Status = SendOutcome.FailedRetryable });
        await _jobs.ExecuteAsync("update attempts set send_began_at = now() - interval '30 h'");

        var (replay, decided) = (await _jobs.AddAsync(replayOf: original), await _jobs.AddAsync(replayOf: original));

        Assert.InRange((await _jobs.StartAsync(replay, 2))!.EarlierSend!.Value.TotalHours, 30, 31);
        // Without key memory a replay is a person's decision: only what this job itself may have sent counts.
        Assert.Null((await _jobs.StartAsync(decided, 3, keyed: false))!.EarlierSend);
    }

    [Theory]
    [InlineData(false, "cancelled")]
    [InlineData(true, "in_doubt")]
    public async Task A_job_called_off_while_it_was_being_sent_is_cancelled_only_when_it_certainly_was_not(bool mayHaveLeft, string expected)
    {
        var job = await _jobs.AddAsync();
        var started = (await _jobs.StartAsync(job, 1))!;
        await _jobs.ExecuteAsync("update jobs set cancel_requested = true");

        await _jobs.FinishAsync(started, Throttled with { MayHaveLeft = mayHaveLeft });

        Assert.Equal(expected, await StatusAsync(job));
        Assert.True(await _jobs.ScalarAsync<bool>("select finished_at is not null from jobs where id = $1", job));
    }

    [Theory]
    [InlineData(true, true, false, "pending")]
    [InlineData(false, false, false, "pending")]
    [InlineData(false, true, false, "in_doubt")]
    [InlineData(false, false, true, "cancelled")]
    [InlineData(false, true, true, "in_doubt")]
    [InlineData(true, true, true, "in_doubt")]
    public async Task What_a_dead_worker_left_is_due_again_unless_it_may_have_left_without_being_recognised(bool keyed, bool began, bool calledOff, string expected)
    {
        var job = await _jobs.AddAsync();
        var started = (await _jobs.StartAsync(job, 1, keyed))!;
        if (began && !keyed)
            Assert.True(await _jobs.Store.NoteSendBeganAsync(started, default));
        await _jobs.ExecuteAsync("update jobs set cancel_requested = $1", calledOff);

        Assert.Equal(expected, await _jobs.GiveBackAsync(job, 2, keyed));

        Assert.Equal(expected, await StatusAsync(job));
        Assert.Equal("the worker was gone", await _jobs.ScalarAsync<string>("select error from attempts where job_id = $1 and finished_at is not null", job));
        // Should it wake, it can neither send nor write.
        Assert.False(await _jobs.Store.NoteSendBeganAsync(started, default));
        Assert.Null(await _jobs.FinishAsync(started, Refused));
        Assert.Null(await _jobs.GiveBackAsync(job, 3, keyed));
    }

    [Fact]
    public async Task Whoever_takes_a_job_over_sees_a_send_that_began_at_that_moment()
    {
        var job = await _jobs.AddAsync();
        await _jobs.StartAsync(job, 1, keyed: false);
        await using var worker = await _jobs.Source.OpenConnectionAsync();
        await using var transaction = await worker.BeginTransactionAsync();
        await using var noting = new Npgsql.NpgsqlCommand(
            "with mine as (select id from jobs for update) update attempts set send_began_at = now() from mine where job_id = mine.id", worker, transaction);
        await noting.ExecuteNonQueryAsync();

        var takeover = _jobs.GiveBackAsync(job, 2, keyed: false);
        await Eventually.TrueAsync(
            async () => await _jobs.ScalarAsync<long>("select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'") > 0,
            "the takeover waits", TimeSpan.FromSeconds(60));
        await transaction.CommitAsync();

        Assert.Equal("in_doubt", await takeover);
    }

    private Task<string> StatusAsync(Guid job) => _jobs.ScalarAsync<string>("select status from jobs where id = $1", job);

    private Task<bool> IsDefiniteAsync(Guid job) => _jobs.ScalarAsync<bool>("select definite_refusal from jobs where id = $1", job);

    private Task<bool> BeganAsync(Guid job, int number) => _jobs.ScalarAsync<bool>("select send_began_at is not null from attempts where job_id = $1 and number = $2", job, number);
}
