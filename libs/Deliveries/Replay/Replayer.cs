using Npgsql;

namespace WhatsAppMesh.Deliveries;

/// <summary>What a replay of one event came to.</summary>
internal enum ReplayResult
{
    /// <summary>Applied; its dead letter, if it had one, is settled.</summary>
    Replayed,

    /// <summary>Failed again: a new dead letter says why.</summary>
    Failed,

    /// <summary>Nothing to do: its dead letter is settled already.</summary>
    Skipped,

    /// <summary>The job no longer runs: nothing was done.</summary>
    Stopped,
}

/// <summary>One event of a replay job.</summary>
/// <param name="Delivery">The event with its envelope, from the dead letter or the lake.</param>
/// <param name="DeadLetter">The dead letter to settle; null replays a position, with whatever dead letter is open or discarded there.</param>
/// <param name="Cursor">Where the job's cursor stands after it.</param>
/// <param name="AllowSends">Whether what it starts may leave the consumer's own database.</param>
internal sealed record ReplayItem(Delivery Delivery, Guid? DeadLetter, long Cursor, bool AllowSends);

/// <summary>
/// Hands an event to the same handler as a delivery does, whether the account holds its position or not. The handler's effects, the dead
/// letter's new state, the account and the job's cursor are one transaction.
/// </summary>
internal sealed class Replayer(
    NpgsqlDataSource database, IBatchHandler handler, DeadLetterStore deadLetters, LakeReader lake, DeliveriesOptions options, DeliveriesMetrics metrics, TimeProvider time)
{
    private const int Attempts = 3;
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(500);

    /// <summary>Replays one event; tries again when something else was in the way.</summary>
    /// <exception cref="NpgsqlException">The database is away: nothing was done, the job goes on later.</exception>
    /// <exception cref="LakeException">The lake is away: nothing was done, the job goes on later.</exception>
    public async Task<ReplayResult> ReplayAsync(Guid job, ReplayItem item, CancellationToken cancellationToken)
    {
        var result = item.Delivery.Event is null
            ? await BuryAgainAsync(job, item, item.Delivery.Unreadable!, 0, cancellationToken)
            : await ReplayReadableAsync(job, item, cancellationToken);
        metrics.Replayed(result.ToString().ToLowerInvariant());
        return result;
    }

    private async Task<ReplayResult> ReplayReadableAsync(Guid job, ReplayItem item, CancellationToken cancellationToken)
    {
        for (var attempt = 1; ; attempt++)
        {
            var (result, failure) = await TryAsync(job, item, cancellationToken);
            if (failure is null)
                return result;
            if (failure.Class == FailureClass.Poison || attempt == Attempts)
                return await BuryAgainAsync(job, item, failure, attempt, cancellationToken);

            await Task.Delay(Pause, time, cancellationToken);
        }
    }

    private async Task<(ReplayResult Result, Failure? Failure)> TryAsync(Guid job, ReplayItem item, CancellationToken cancellationToken)
    {
        var value = item.Delivery.Event!;
        try
        {
            if (value.PayloadInLake && handler.Concerns(value))
                value = await lake.GetEventAsync(value.Log, value.Position, cancellationToken);
        }
        catch (PoisonException exception)
        {
            return (default, Failure.Of(exception, "fetch"));
        }

        await using var account = await AccountTransaction.BeginAsync(database, [value.Log], options.LockTimeout, cancellationToken);
        try
        {
            var settled = await SettleAsync(account.Transaction, item, job, DeadLetterRow.Replayed, cancellationToken);
            var skip = item.DeadLetter is not null && settled is null;
            if (!skip && handler.Concerns(value))
                await handler.ApplyAsync([value], new DeliveryContext(IsReplay: true, item.AllowSends), account.Transaction, cancellationToken);
            if (!skip && !account.IsDone(value.Log, value.Position))
                account.Add(value.Log, value.Position);
            if (!await ReplayJobStore.AdvanceAsync(account.Transaction, job, item.Cursor, replayed: skip ? 0 : 1, failed: 0, cancellationToken))
                return (ReplayResult.Stopped, null);

            await account.CommitAsync(cancellationToken);
            return (skip ? ReplayResult.Skipped : ReplayResult.Replayed, null);
        }
        catch (Exception exception) when (!cancellationToken.IsCancellationRequested)
        {
            var failure = Failure.Of(exception, "handle");
            return (default, account.ConnectionLost ? failure with { Class = FailureClass.Transient } : failure);
        }
    }

    /// <summary>The replay failed: a new dead letter, linked to the one that was replayed.</summary>
    private async Task<ReplayResult> BuryAgainAsync(Guid job, ReplayItem item, Failure failure, int attempts, CancellationToken cancellationToken)
    {
        // An envelope that cannot be read stays as unreadable as it is: its dead letter remains open, and the job counts a failure.
        if (item.Delivery.Event is null)
            return await CountFailureAsync(job, item, cancellationToken);

        await using var account = await AccountTransaction.BeginAsync(database, [item.Delivery.Log], options.LockTimeout, cancellationToken);
        var previous = await SettleAsync(account.Transaction, item, job, DeadLetterRow.FailedAgain, cancellationToken);
        var skip = item.DeadLetter is not null && previous is null;
        if (!skip)
        {
            await deadLetters.InsertAsync(account.Transaction, item.Delivery, failure, attempts, previous, cancellationToken);
            if (!account.IsDone(item.Delivery.Log, item.Delivery.Position))
                account.Add(item.Delivery.Log, item.Delivery.Position);
        }

        if (!await ReplayJobStore.AdvanceAsync(account.Transaction, job, item.Cursor, replayed: 0, failed: skip ? 0 : 1, cancellationToken))
            return ReplayResult.Stopped;

        await account.CommitAsync(cancellationToken);
        return skip ? ReplayResult.Skipped : ReplayResult.Failed;
    }

    private async Task<ReplayResult> CountFailureAsync(Guid job, ReplayItem item, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        if (!await ReplayJobStore.AdvanceAsync(transaction, job, item.Cursor, replayed: 0, failed: 1, cancellationToken))
            return ReplayResult.Stopped;

        await transaction.CommitAsync(cancellationToken);
        return ReplayResult.Failed;
    }

    /// <summary>
    /// Settles the item's dead letter and returns its id; null when there is none. By id it must be open. By position a discarded one is taken
    /// back too: whoever replays the position has thought better of it.
    /// </summary>
    private async Task<Guid?> SettleAsync(NpgsqlTransaction transaction, ReplayItem item, Guid job, string state, CancellationToken cancellationToken)
    {
        // Two statements, not one with "or": each is found by its own index, however many dead letters there are.
        await using var command = new NpgsqlCommand(
            item.DeadLetter is null
                ? """
                  with taken_back as (delete from deliveries.discards where log = $4 and position = $5)
                  update deliveries.dead_letters set state = $1, settled_at = $2, settled_by = $3
                  where log = $4 and position = $5 and log > 0 and state in ('open', 'discarded') returning id
                  """
                : "update deliveries.dead_letters set state = $1, settled_at = $2, settled_by = $3 where id = $4 and state = 'open' returning id",
            transaction.Connection, transaction);
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = state });
        command.Parameters.Add(new NpgsqlParameter<DateTime> { TypedValue = time.GetUtcNow().UtcDateTime });
        command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = job });
        if (item.DeadLetter is { } id)
        {
            command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = id });
        }
        else
        {
            command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = item.Delivery.Log });
            command.Parameters.Add(new NpgsqlParameter<long> { TypedValue = item.Delivery.Position });
        }

        return (Guid?)await command.ExecuteScalarAsync(cancellationToken);
    }
}
