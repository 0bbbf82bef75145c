using Npgsql;

namespace WhatsAppMesh.Deliveries;

/// <summary>
/// Removes by age what is settled: personal data first (the envelope), the row later. Open dead letters are never removed by time, and
/// positions stay in the account, so that the audit is the same before and after.
/// </summary>
internal sealed class DeliveriesRetention(NpgsqlDataSource database, DeliveriesOptions options, TimeProvider time)
{
    private const int RowsAtOnce = 1000;

    /// <summary>Removes everything that is older than its setting, in small transactions.</summary>
    /// <exception cref="NpgsqlException">The database cannot do it now.</exception>
    public async Task ApplyAsync(CancellationToken cancellationToken)
    {
        await RepeatAsync(
            """
            update deliveries.dead_letters set envelope = ''
            where id in (select id from deliveries.dead_letters where settled_at < $1 and envelope <> '' order by id limit $2 for update skip locked)
            """, options.EnvelopeRetention, cancellationToken);
        await RepeatAsync(
            "delete from deliveries.dead_letters where id in (select id from deliveries.dead_letters where settled_at < $1 order by id limit $2 for update skip locked)",
            options.DeadLetterRetention, cancellationToken);
        await RepeatAsync(
            """
            delete from deliveries.failures where (log, position, envelope_key) in (
                select log, position, envelope_key from deliveries.failures where last_at < $1 order by log, position, envelope_key limit $2 for update skip locked)
            """, options.FailureRetention, cancellationToken);
        await RepeatAsync(
            "delete from deliveries.replay_jobs where id in (select id from deliveries.replay_jobs where finished_at < $1 order by id limit $2 for update skip locked)",
            options.ReplayJobRetention, cancellationToken);
    }

    private async Task RepeatAsync(string sql, TimeSpan age, CancellationToken cancellationToken)
    {
        int changed;
        do
        {
            await using var command = database.CreateCommand(sql);
            command.Parameters.Add(new NpgsqlParameter<DateTime> { TypedValue = (time.GetUtcNow() - age).UtcDateTime });
            command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = RowsAtOnce });
            changed = await command.ExecuteNonQueryAsync(cancellationToken);
        }
        while (changed == RowsAtOnce);
    }
}
