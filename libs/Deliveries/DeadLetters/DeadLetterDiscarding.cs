using Npgsql;

namespace WhatsAppMesh.Deliveries;

/// <summary>Gives up on dead letters: their positions count as discarded from then on.</summary>
internal sealed class DeadLetterDiscarding(NpgsqlDataSource database, TimeProvider time)
{
    /// <summary>Discards those of <paramref name="ids"/> that are open and belong to the tenant (empty: any), with a line in the audit trail.</summary>
    /// <returns>How many were discarded.</returns>
    public async Task<long> DiscardAsync(string tenant, IReadOnlyList<Guid> ids, string reason, string requestedBy, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        await using var update = new NpgsqlCommand(
            """
            update deliveries.dead_letters set state = 'discarded', settled_at = $3
            where id in (select id from deliveries.dead_letters where id = any($2) and ($1 = '' or tenant = $1) and state = 'open' order by id for update)
            """, connection, transaction);
        update.Parameters.Add(new NpgsqlParameter<string> { TypedValue = tenant });
        update.Parameters.Add(new NpgsqlParameter<Guid[]> { TypedValue = [.. ids] });
        update.Parameters.Add(new NpgsqlParameter<DateTime> { TypedValue = time.GetUtcNow().UtcDateTime });
        var discarded = await update.ExecuteNonQueryAsync(cancellationToken);
        if (discarded > 0)
            await AuditTrail.WriteAsync(transaction, time.GetUtcNow(), tenant, requestedBy, "discard", reason, null, discarded, cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        return discarded;
    }
}
