using Npgsql;
using WhatsAppMesh.Deliveries;
using WhatsAppMesh.Dispatch.Operator;

namespace WhatsAppMesh.Dispatch.Executions;

/// <summary>What a replay of many executions is asked for.</summary>
/// <param name="Rate">Executions per second.</param>
internal sealed record BulkOrder(ExecutionFilter Filter, int Rate, bool ForceNewKey);

/// <summary>
/// Replays of many executions. Which ones is fixed when it is made; a cursor counts what is behind it and moves in the transaction that
/// replays, so a restart goes on where the last commit left it and nothing is replayed twice.
/// </summary>
internal sealed class BulkReplays(NpgsqlDataSource database, ExecutionDecisions decisions, DispatchOptions options, TimeProvider time)
{
    private const string Columns = """
        id, state, cardinality(jobs), cursor, replayed, skipped, rate, reason, requested_by, created_at, finished_at
        """;

    // Whatever else the filter says: these can be replayed.
    private const string Selected = $"select j.id from jobs j where {ExecutionFilter.Sql} and j.status in ('failed_retryable', 'failed', 'in_doubt', 'expired') and j.discarded_at is null";

    /// <summary>How many executions the order would take.</summary>
    public async Task<int> CountAsync(string tenant, BulkOrder order, CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand($"select count(*)::int from ({Selected} limit $9) s");
        order.Filter.AddTo(command, tenant);
        command.Parameters.AddWithValue(options.ReplayLimit);
        return (int)(await command.ExecuteScalarAsync(cancellationToken))!;
    }

    /// <summary>Makes a replay, oldest executions first, and starts it.</summary>
    public async Task<BulkReplayView> CreateAsync(Decider by, BulkOrder order, CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        await using var command = database.CreateCommand($"""
            insert into bulk_replays (id, tenant, state, jobs, rate, force_new_key, reason, requested_by, created_at)
            select $10, $1, 'running', array({Selected} order by j.created_at, j.id limit $9), $11, $12, $13, $14, $15
            returning {Columns}
            """);
        order.Filter.AddTo(command, by.Tenant);
        foreach (var value in (object[])[options.ReplayLimit, Guid.CreateVersion7(now), order.Rate, order.ForceNewKey, by.Reason, by.Key, now])
            command.Parameters.AddWithValue(value);
        return (await ReadAsync(command, cancellationToken))!;
    }

    /// <summary>How far one is; null when the tenant has none of this id.</summary>
    public async Task<BulkReplayView?> FindAsync(string tenant, Guid id, CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand($"select {Columns} from bulk_replays where id = $1 and tenant = $2");
        command.Parameters.AddWithValue(id);
        command.Parameters.AddWithValue(tenant);
        return await ReadAsync(command, cancellationToken);
    }

    /// <summary>Pauses, resumes or cancels one that has not ended; what was replayed stays so.</summary>
    /// <param name="state"><c>running</c>, <c>paused</c> or <c>cancelled</c>.</param>
    /// <returns>As it is now; null when the tenant has none of this id.</returns>
    public async Task<BulkReplayView?> SetStateAsync(string tenant, Guid id, string state, CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand($"""
            update bulk_replays set state = case when state in ('running', 'paused') then $3 else state end,
                finished_at = case when state in ('running', 'paused') and $3 = 'cancelled' then $4 else finished_at end
            where id = $1 and tenant = $2 returning {Columns}
            """);
        foreach (var value in (object[])[id, tenant, state, time.GetUtcNow()])
            command.Parameters.AddWithValue(value);
        return await ReadAsync(command, cancellationToken);
    }

    /// <summary>Replays the next execution of the oldest running replay.</summary>
    /// <returns>The wait its rate asks for; null when nothing is running.</returns>
    public async Task<TimeSpan?> StepAsync(CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        Step? step = null;
        var load = new RoundTrip(transaction);
        load.Read("""
            select id, tenant, requested_by, reason, force_new_key, rate, jobs[cursor + 1] from bulk_replays where state = 'running' order by created_at limit 1 for update
            """, row => step = new Step(
                row.GetGuid(0), new Decider(row.GetString(1), row.GetString(2), row.GetString(3)), row.GetBoolean(4), row.GetInt32(5), row.IsDBNull(6) ? null : row.GetGuid(6)));
        await load.SendAsync(cancellationToken);
        if (step is null)
            return null;

        var save = new RoundTrip(transaction);
        if (step.Job is { } job)
        {
            var answer = await decisions.ReplayAsync(step.By, job, step.ForceNewKey, transaction, cancellationToken);
            var isReplayed = answer is { NewId: not null };
            save.Run("update bulk_replays set cursor = cursor + 1, replayed = replayed + $2, skipped = skipped + $3 where id = $1", step.Id, isReplayed ? 1 : 0, isReplayed ? 0 : 1);
        }
        else
        {
            save.Run("update bulk_replays set state = 'completed', finished_at = $2 where id = $1", step.Id, time.GetUtcNow());
        }

        await save.SendAsync(cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        return step.Job is null ? TimeSpan.Zero : TimeSpan.FromSeconds(1.0 / step.Rate);
    }

    private static async Task<BulkReplayView?> ReadAsync(NpgsqlCommand command, CancellationToken cancellationToken)
    {
        await using var row = await command.ExecuteReaderAsync(cancellationToken);
        return await row.ReadAsync(cancellationToken)
            ? new BulkReplayView(row.GetGuid(0), row.GetString(1), row.GetInt32(2), row.GetInt32(3), row.GetInt32(4), row.GetInt32(5), row.GetInt32(6), row.GetString(7),
                row.GetString(8), row.Time(9), row.TimeOrNull(10))
            : null;
    }

    private sealed record Step(Guid Id, Decider By, bool ForceNewKey, int Rate, Guid? Job);
}

/// <summary>Works off replays of many, at their rate, on one replica at a time.</summary>
internal sealed class BulkReplayRunner(SingleReplica replica, BulkReplays replays, TimeProvider time) : BackgroundService
{
    // Key of the advisory lock, the same on every replica.
    private const long LockKey = 0x6D65_7368_0023;

    private static readonly TimeSpan Idle = TimeSpan.FromMilliseconds(500);

    /// <inheritdoc/>
    protected override Task ExecuteAsync(CancellationToken stoppingToken) => replica.RunAsync(
        "replay of executions", LockKey, async cancellationToken => await Task.Delay(await replays.StepAsync(cancellationToken) ?? Idle, time, cancellationToken), stoppingToken);
}
