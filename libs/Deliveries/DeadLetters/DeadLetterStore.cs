using Npgsql;

namespace WhatsAppMesh.Deliveries;

/// <summary>
/// Writes dead letters. A dead letter and its position in the account are one transaction: each logged event is applied, dead,
/// discarded or retired, and never two of these.
/// </summary>
internal sealed class DeadLetterStore(NpgsqlDataSource database, DeliveriesOptions options, TimeProvider time)
{
    /// <summary>What is said of a dead letter whose failure was never recorded: this consumer was not reached, or could not write.</summary>
    private static readonly Failure Unrecorded = new(
        FailureClass.Transient, "", "The transport gave the event up; no failure was recorded here.", "delivery");

    /// <summary>
    /// Stores an event that died, with its recorded failure, and accounts for its position. Repeating it, or burying an event that was
    /// applied in the meantime, changes nothing.
    /// </summary>
    /// <param name="known">Why it died, when the caller knows; null joins the failure record.</param>
    /// <returns>False when nothing was to be done.</returns>
    public async Task<bool> BuryAsync(Delivery delivery, Failure? known, CancellationToken cancellationToken)
    {
        if (delivery.Event is null)
            return await BuryUnreadableAsync(delivery, cancellationToken);

        await using var account = await AccountTransaction.BeginAsync(database, [delivery.Log], options.LockTimeout, cancellationToken);
        if (account.IsDone(delivery.Log, delivery.Position))
            return false;

        await InsertAsync(account.Transaction, delivery, known, attempts: 0, previous: null, cancellationToken);
        account.Add(delivery.Log, delivery.Position);
        await account.CommitAsync(cancellationToken);
        return true;
    }

    /// <summary>
    /// Adds a dead letter inside a transaction that holds the account: open, or discarded at once when the lake has told that a person gave
    /// this position up.
    /// </summary>
    /// <param name="attempts">Tries that the caller made, on top of those recorded.</param>
    /// <param name="previous">The dead letter whose replay ended as this one.</param>
    /// <returns>Id of the new dead letter.</returns>
    public async Task<Guid> InsertAsync(
        NpgsqlTransaction transaction, Delivery delivery, Failure? known, int attempts, Guid? previous, CancellationToken cancellationToken)
    {
        var id = Guid.CreateVersion7(time.GetUtcNow());
        var value = delivery.Event;
        var failure = known ?? Unrecorded;
        await using var command = new NpgsqlCommand(
            $"""
            with recorded as (
                delete from deliveries.failures where log = $3 and position = $4 and envelope_key = $5
                returning category, error, message, step, attempts, trace_id, first_at),
            given_up as (
                update deliveries.discards set is_dead = true where log = $3 and position = $4 and tenant in ($2, '') returning log)
            insert into deliveries.dead_letters (
                id, tenant, log, position, incarnation, envelope_key, event_id, revision, type, state, category, error, message, step,
                attempts, trace_id, first_failed_at, dead_at, settled_at, previous_id, envelope)
            select $1, $2, $3, $4,
                (select coalesce(max(incarnation) + 1, 0) from deliveries.dead_letters d where d.log = $3 and d.position = $4 and d.log > 0),
                $5, $6, $7, $8, case when exists (select from given_up) then 'discarded' else 'open' end,
                {Joined("category", "$9")}, {Joined("error", "$10")}, {Joined("message", "$11")}, {Joined("step", "$12")},
                coalesce((select attempts from recorded), 0) + $13,
                coalesce(nullif($14, ''), (select trace_id from recorded), ''),
                coalesce((select first_at from recorded), $15), $15, case when exists (select from given_up) then $15 end, $16, $17
            on conflict (envelope_key) where log = 0 do nothing
            """, transaction.Connection, transaction);
        Add(command, id);
        Add(command, value?.Tenant ?? "");
        Add(command, delivery.Log);
        Add(command, delivery.Position);
        Add(command, delivery.EnvelopeKey);
        Add(command, value?.EventId ?? "");
        Add(command, value?.Revision ?? 0);
        Add(command, value?.Type ?? "");
        Add(command, failure.Category);
        Add(command, failure.Error);
        Add(command, failure.Message);
        Add(command, failure.Step);
        Add(command, attempts);
        Add(command, delivery.TraceId);
        Add(command, time.GetUtcNow().UtcDateTime);
        command.Parameters.Add(new NpgsqlParameter { Value = previous ?? (object)DBNull.Value, NpgsqlDbType = NpgsqlTypes.NpgsqlDbType.Uuid });
        Add(command, delivery.Envelope);
        await command.ExecuteNonQueryAsync(cancellationToken);
        return id;

        // What the caller knows is newer than what was recorded.
        string Joined(string column, string parameter) => known is null ? $"coalesce((select {column} from recorded), {parameter})" : parameter;
    }

    private async Task<bool> BuryUnreadableAsync(Delivery delivery, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        await InsertAsync(transaction, delivery, delivery.Unreadable, attempts: 0, previous: null, cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        return true;
    }

    private static void Add<T>(NpgsqlCommand command, T value) => command.Parameters.Add(new NpgsqlParameter<T> { TypedValue = value });
}
