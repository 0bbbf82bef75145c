using Npgsql;
using WhatsAppMesh.Dispatch.Operator;

namespace WhatsAppMesh.Dispatch.Jobs;

/// <summary>What became of a job when a run came to it.</summary>
/// <param name="Claimed">This run had its claim; otherwise somebody else did, or there was nothing to do.</param>
/// <param name="Sent">It was sent.</param>
/// <param name="Failed">The attempt failed, for good or until the next one.</param>
internal readonly record struct RunStep(bool Claimed, bool Sent, bool Failed);

/// <summary>A piece of a run.</summary>
/// <param name="Cursor">How many jobs of the run are behind it.</param>
internal sealed record RunSlice(Guid Run, int Cursor, Guid[] Jobs);

/// <summary>
/// Runs: the jobs of a tenant that are due when somebody asks are handled at once, beside the poller and by the same rules. Which ones is
/// fixed then; a cursor counts what is behind it, so that a run survives a restart.
/// </summary>
internal sealed class Runs(NpgsqlDataSource database, TimeProvider time)
{
    private const int MaxJobs = 10_000;

    private const string Columns = "id, state, queued, claimed, skipped, sent, failed, requested_by, created_at, finished_at";

    /// <summary>Makes a run of what is due now, and starts it.</summary>
    public async Task<RunView> CreateAsync(string tenant, string requestedBy, CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        await using var command = database.CreateCommand($"""
            insert into runs (id, tenant, state, jobs, queued, requested_by, created_at)
            select $1, $2, 'running', due, cardinality(due), $3, $4 from (
                select array(select id from jobs where tenant = $2 and status = 'pending' and next_attempt_at <= $4 order by next_attempt_at, id limit $5) as due) d
            returning {Columns}
            """);
        foreach (var value in (object[])[Guid.CreateVersion7(now), tenant, requestedBy, now, MaxJobs])
            command.Parameters.AddWithValue(value);
        return (await ReadAsync(command, cancellationToken))!;
    }

    /// <summary>How far a run is; null when the tenant has none of this id.</summary>
    public async Task<RunView?> FindAsync(string tenant, Guid id, CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand($"select {Columns} from runs where id = $1 and tenant = $2");
        command.Parameters.AddWithValue(id);
        command.Parameters.AddWithValue(tenant);
        return await ReadAsync(command, cancellationToken);
    }

    /// <summary>Ends a run before its next job; jobs that it has not come to stay due for the poller.</summary>
    /// <returns>As it is now; null when the tenant has none of this id.</returns>
    public async Task<RunView?> CancelAsync(string tenant, Guid id, CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand($"""
            update runs set state = case state when 'running' then 'cancelled' else state end, finished_at = coalesce(finished_at, $3) where id = $1 and tenant = $2 returning {Columns}
            """);
        foreach (var value in (object[])[id, tenant, time.GetUtcNow()])
            command.Parameters.AddWithValue(value);
        return await ReadAsync(command, cancellationToken);
    }

    /// <summary>The next jobs of each tenant's oldest run; none for a run that has come to its end.</summary>
    public async Task<List<RunSlice>> NextAsync(int jobs, CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand(
            "select distinct on (tenant) id, cursor, jobs[cursor + 1:cursor + $1] from runs where state = 'running' order by tenant, created_at, id");
        command.Parameters.AddWithValue(jobs);
        var next = new List<RunSlice>();
        await using var row = await command.ExecuteReaderAsync(cancellationToken);
        while (await row.ReadAsync(cancellationToken))
            next.Add(new RunSlice(row.GetGuid(0), row.GetInt32(1), row.GetFieldValue<Guid[]>(2)));
        return next;
    }

    /// <summary>False once a run was cancelled.</summary>
    public async Task<bool> IsRunningAsync(Guid run, CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand("select exists (select from runs where id = $1 and state = 'running')");
        command.Parameters.AddWithValue(run);
        return (bool)(await command.ExecuteScalarAsync(cancellationToken))!;
    }

    /// <summary>Counts what became of a slice and moves on; a run without further jobs is complete. A slice that was counted already changes nothing.</summary>
    public async Task AdvanceAsync(RunSlice slice, IReadOnlyCollection<RunStep> steps, CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand("""
            update runs set cursor = cursor + $2, claimed = claimed + $3, skipped = skipped + $4, sent = sent + $5, failed = failed + $6,
                state = case when state = 'running' and cursor + $2 >= queued then 'completed' else state end,
                finished_at = case when state = 'running' and cursor + $2 >= queued then $7 else finished_at end
            where id = $1 and cursor = $8
            """);
        foreach (var value in (object[])
            [slice.Run, steps.Count, steps.Count(static one => one.Claimed), steps.Count(static one => !one.Claimed), steps.Count(static one => one.Sent),
                steps.Count(static one => one.Failed), time.GetUtcNow(), slice.Cursor])
            command.Parameters.AddWithValue(value);
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    private static async Task<RunView?> ReadAsync(NpgsqlCommand command, CancellationToken cancellationToken)
    {
        await using var row = await command.ExecuteReaderAsync(cancellationToken);
        return await row.ReadAsync(cancellationToken)
            ? new RunView(row.GetGuid(0), row.GetString(1), row.GetInt32(2), row.GetInt32(3), row.GetInt32(4), row.GetInt32(5), row.GetInt32(6), row.GetString(7),
                new DateTimeOffset(row.GetDateTime(8)), row.IsDBNull(9) ? null : new DateTimeOffset(row.GetDateTime(9)))
            : null;
    }
}
