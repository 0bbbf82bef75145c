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
internal sealed partial class BulkReplays(
    NpgsqlDataSource database, ExecutionDecisions decisions, DispatchOptions options, TimeProvider time, ILogger<BulkReplays> logger)
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
            insert into bulk_replays (id, tenant, state, jobs, rate, force_new_key, reason, requested_by, created_at, next_at)
            select $10, $1, 'running', array({Selected} order by j.created_at, j.id limit $9), $11, $12, $13, $14, $15, $15
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

    /// <summary>Replays the next execution of the replay whose turn it is: each at its own rate, none waits for another's end.</summary>
    /// <returns>How long nothing is due now; null when nothing is running.</returns>
    public async Task<TimeSpan?> StepAsync(CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        var now = time.GetUtcNow();
        Step? step = null;
        var load = new RoundTrip(transaction);
        load.Read("""
            select id, tenant, requested_by, reason, force_new_key, rate, jobs[cursor + 1], next_at from bulk_replays where state = 'running' order by next_at limit 1 for update
            """, row => step = new Step(
                row.GetGuid(0), new Decider(row.GetString(1), row.GetString(2), row.GetString(3)), row.GetBoolean(4), row.GetInt32(5), row.IsDBNull(6) ? null : row.GetGuid(6),
                row.Time(7)));
        await load.SendAsync(cancellationToken);
        if (step is null)
            return null;
        if (step.DueAt > now)
            return step.DueAt - now;

        var isReplayed = step.Job is { } job && await ReplayAsync(step, job, transaction, cancellationToken);
        var save = new RoundTrip(transaction);
        if (step.Job is null)
        {
            save.Run("update bulk_replays set state = 'completed', finished_at = $2 where id = $1", step.Id, now);
        }
        else
        {
            save.Run("update bulk_replays set cursor = cursor + 1, replayed = replayed + $2, skipped = skipped + $3, next_at = $4 where id = $1",
                step.Id, isReplayed ? 1 : 0, isReplayed ? 0 : 1, now + TimeSpan.FromSeconds(1.0 / step.Rate));
        }

        await save.SendAsync(cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        return TimeSpan.Zero;
    }

    // One that cannot be replayed, whatever the reason, must not hold up those behind it.
    private async Task<bool> ReplayAsync(Step step, Guid job, NpgsqlTransaction transaction, CancellationToken cancellationToken)
    {
        const string Before = "before_the_execution";
        await transaction.SaveAsync(Before, cancellationToken);
        try
        {
            return await decisions.ReplayAsync(step.By, job, step.ForceNewKey, transaction, cancellationToken) is { NewId: not null };
        }
        catch (Exception exception) when (exception is not (OperationCanceledException or NpgsqlException { IsTransient: true }))
        {
            var failure = Failure.Of(exception, "replay");
            Log.Skipped(logger, job, step.Id, failure.Error, failure.Message);
            await transaction.RollbackAsync(Before, cancellationToken);
            return false;
        }
    }

    private static async Task<BulkReplayView?> ReadAsync(NpgsqlCommand command, CancellationToken cancellationToken)
    {
        await using var row = await command.ExecuteReaderAsync(cancellationToken);
        return await row.ReadAsync(cancellationToken)
            ? new BulkReplayView(row.GetGuid(0), row.GetString(1), row.GetInt32(2), row.GetInt32(3), row.GetInt32(4), row.GetInt32(5), row.GetInt32(6), row.GetString(7),
                row.GetString(8), row.Time(9), row.TimeOrNull(10))
            : null;
    }

    private sealed record Step(Guid Id, Decider By, bool ForceNewKey, int Rate, Guid? Job, DateTimeOffset DueAt);

    private static partial class Log
    {
        [LoggerMessage(4030, LogLevel.Warning, "Execution {Execution} could not be replayed and is skipped by the replay {Replay} ({Error}): {Message}")]
        public static partial void Skipped(ILogger logger, Guid execution, Guid replay, string error, string message);
    }
}

/// <summary>Works off replays of many, at their rate, on one replica at a time.</summary>
internal sealed class BulkReplayRunner(SingleReplica replica, BulkReplays replays, TimeProvider time) : BackgroundService
{
    // Key of the advisory lock, the same on every replica.
    private const long LockKey = 0x6D65_7368_0023;

    private static readonly TimeSpan Idle = TimeSpan.FromMilliseconds(500);

    /// <inheritdoc/>
    protected override Task ExecuteAsync(CancellationToken stoppingToken) => replica.RunAsync(
        "replay of executions", LockKey, StepAsync, stoppingToken);

    private async Task StepAsync(CancellationToken cancellationToken)
    {
        var wait = await replays.StepAsync(cancellationToken) ?? Idle;
        await Task.Delay(wait < Idle ? wait : Idle, time, cancellationToken);
    }
}
