using WhatsAppMesh.Dispatch.Sending;

namespace WhatsAppMesh.Sends.Tests;

/// <summary>Statements that are prepared while a dispatch is idle must do as well when it no longer is.</summary>
public sealed class SendPlanTests
{
    private const int Waiting = 30_000;

    [Fact]
    public async Task Plans_made_while_nothing_was_due_read_no_more_than_they_need_when_much_is()
    {
        await using var jobs = await JobsDatabase.CreateAsync();
        await jobs.ExecuteAsync("alter table jobs set (autovacuum_enabled = false)");
        for (var i = 0; i < 4; i++)
            await SendAsync(jobs);
        await jobs.ExecuteAsync($$"""
            insert into jobs (id, tenant, key, send_key, kind, entity, occurrence, instance_id, message, subject, status, due_at, next_attempt_at, created_at, updated_at)
            select gen_random_uuid(), 'acme', n::text, n::text, 'direct', 'direct', 'x', 'instance-0', '{}', '{}', 'pending', now(), now() - interval '1 minute', now(), now()
            from generate_series(1, {{Waiting}}) n
            """);
        var before = await ReadAsync(jobs);

        for (var i = 0; i < 4; i++)
            await SendAsync(jobs);

        Assert.InRange(await ReadAsync(jobs) - before, 0, 1000);
    }

    /// <summary>What becomes of one job that a run asked for.</summary>
    private static async Task SendAsync(JobsDatabase jobs)
    {
        var id = await jobs.AddAsync();
        Assert.Single(await jobs.Store.ReserveAsync("instance-0", 32, [id], rate: 0, TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(5), default));
        Assert.Single(await jobs.Store.StillDueAsync([id], default));
        await jobs.FinishAsync((await jobs.StartAsync(id, 1))!, new SendOutcome(SendOutcome.Sent, MayHaveLeft: true));
    }

    /// <summary>Rows and index entries of jobs that were read so far.</summary>
    private static async Task<long> ReadAsync(JobsDatabase jobs)
    {
        await using (var flush = jobs.Hot.CreateCommand("select pg_stat_force_next_flush()"))
            await flush.ExecuteNonQueryAsync();
        await using (var next = jobs.Hot.CreateCommand("select 1"))
            await next.ExecuteNonQueryAsync();
        return await jobs.ScalarAsync<long>("""
            select (select seq_tup_read from pg_stat_user_tables where relname = 'jobs')
                + (select sum(idx_tup_read)::bigint from pg_stat_user_indexes where relname = 'jobs' and indexrelname in ('jobs_due', 'jobs_overdue', 'jobs_processing'))
            """);
    }
}
