using Npgsql;

namespace WhatsAppMesh.Deliveries;

/// <summary>Gives up on dead letters: their positions count as discarded from then on, here and, through the lake, in an emptied database too.</summary>
internal sealed class DeadLetterDiscarding(NpgsqlDataSource database, LakeOutbox outbox, DeliveriesOptions options, TimeProvider time)
{
    /// <summary>Discards those of <paramref name="ids"/> that are open and belong to the tenant (empty: any), with a line in the audit trail.</summary>
    /// <returns>How many were discarded.</returns>
    public async Task<long> DiscardAsync(string tenant, IReadOnlyList<Guid> ids, string reason, string requestedBy, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        var discarded = await SettleAsync(transaction, tenant, ids, requestedBy, reason, cancellationToken);
        if (discarded.Count == 0)
            return 0;

        await LakeOutbox.AddAsync(
            transaction,
            [.. discarded.Where(static row => row.Discard.Log > 0).Select(row => new OutgoingEvent(row.Discard.EventId, row.Tenant, Discard.EventType, time.GetUtcNow(), row.Discard.ToJson()))],
            cancellationToken);
        await AuditTrail.WriteAsync(transaction, time.GetUtcNow(), tenant, requestedBy, "discard", reason, null, discarded.Count, cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        outbox.Wake();
        return discarded.Count;
    }

    /// <summary>
    /// Applies a discard that the lake tells of. Of a dead letter that is here, it is no news. An open one at its position, from a second
    /// death, is discarded; where the event has not died (yet), the decision waits for it. A tenant gives up its own dead letters alone.
    /// </summary>
    /// <param name="transaction">Holds the account of the discard's log.</param>
    /// <param name="tenant">Tenant of the event that tells it.</param>
    /// <param name="discard">What it tells.</param>
    /// <param name="isDone">Whether the account holds the position.</param>
    public async Task ApplyAsync(NpgsqlTransaction transaction, string tenant, Discard discard, bool isDone, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(
            """
            with given_up as (
                update deliveries.dead_letters set state = 'discarded', settled_at = $4
                where log = $1 and position = $2 and tenant = $6 and state = 'open'
                    and not exists (select from deliveries.dead_letters where id = $3)
                returning id),
            noted as (
                insert into deliveries.discards (log, position, tenant, is_dead)
                select $1, $2, $6, exists (select from given_up)
                where exists (select from given_up) or not ($5 or exists (select from deliveries.dead_letters where id = $3))
                on conflict (log, position) do update set tenant = excluded.tenant, is_dead = discards.is_dead or excluded.is_dead)
            select id from given_up
            """, transaction.Connection, transaction);
        command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = discard.Log });
        command.Parameters.Add(new NpgsqlParameter<long> { TypedValue = discard.Position });
        command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = discard.DeadLetter });
        command.Parameters.Add(new NpgsqlParameter<DateTime> { TypedValue = time.GetUtcNow().UtcDateTime });
        command.Parameters.Add(new NpgsqlParameter<bool> { TypedValue = isDone });
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = tenant });
        if (await command.ExecuteScalarAsync(cancellationToken) is not null)
            await AuditTrail.WriteAsync(transaction, time.GetUtcNow(), tenant, discard.Who, "discard", discard.Reason, discard.DeadLetter, 1, cancellationToken);
    }

    private async Task<List<(string Tenant, Discard Discard)>> SettleAsync(
        NpgsqlTransaction transaction, string tenant, IReadOnlyList<Guid> ids, string who, string reason, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(
            """
            with given_up as (
                update deliveries.dead_letters set state = 'discarded', settled_at = $3
                where id in (select id from deliveries.dead_letters where id = any($2) and ($1 = '' or tenant = $1) and state = 'open' order by id for update)
                returning id, tenant, log, position),
            noted as (
                insert into deliveries.discards (log, position, tenant, is_dead)
                select log, position, tenant, true from given_up where log > 0 order by log, position
                on conflict (log, position) do update set tenant = excluded.tenant, is_dead = true)
            select id, tenant, log, position from given_up
            """, transaction.Connection, transaction);
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = tenant });
        command.Parameters.Add(new NpgsqlParameter<Guid[]> { TypedValue = [.. ids] });
        command.Parameters.Add(new NpgsqlParameter<DateTime> { TypedValue = time.GetUtcNow().UtcDateTime });
        var discarded = new List<(string, Discard)>();
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
            discarded.Add((reader.GetString(1), new Discard(options.Service, reader.GetInt32(2), reader.GetInt64(3), reader.GetGuid(0), who, reason)));
        return discarded;
    }
}
