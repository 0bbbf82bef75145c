using Npgsql;

namespace WhatsAppMesh.Ingest;

/// <summary>
/// Which log is written to. A log belongs to one history of the database, known by its system identifier and WAL timeline. After a restore,
/// or a failover that may have lost commits, these differ from what the log recorded: a new log begins at position 1, so that
/// a position never means two events.
/// </summary>
internal static class LakeLog
{
    // Any replica may be first to see the new history; the lock lets exactly one begin the log.
    private static readonly string Sql =
        $"""
        with locked as materialized (select pg_advisory_xact_lock({LockKeys.Log})),
        identity as materialized (
            select (select system_identifier::text from pg_control_system()) as system_identifier,
                   substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8) as timeline
            from locked)
        select system_identifier, timeline from identity
        """;

    /// <summary>The log to append to; begins a new one when the database is not the one that the newest log was begun on.</summary>
    /// <returns>The log, and whether it was begun by this call.</returns>
    public static async Task<(int Log, bool IsNew)> CurrentAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        var (system, timeline) = await IdentityAsync(connection, cancellationToken);
        await using var newest = new NpgsqlCommand("select log, system_identifier = $1 and timeline = $2 from logs order by log desc limit 1", connection)
        {
            Parameters = { new() { Value = system }, new() { Value = timeline } },
        };
        var (log, isOurs) = (0, false);
        await using (var reader = await newest.ExecuteReaderAsync(cancellationToken))
        {
            if (await reader.ReadAsync(cancellationToken))
                (log, isOurs) = (reader.GetInt32(0), reader.GetBoolean(1));
        }
        if (!isOurs)
            await BeginAsync(connection, ++log, system, timeline, cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        return (log, !isOurs);
    }

    private static async Task<(string System, string Timeline)> IdentityAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(Sql, connection);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        await reader.ReadAsync(cancellationToken);
        return (reader.GetString(0), reader.GetString(1));
    }

    private static async Task BeginAsync(NpgsqlConnection connection, int log, string system, string timeline, CancellationToken cancellationToken)
    {
        await using var begin = new NpgsqlBatch(connection)
        {
            BatchCommands =
            {
                new("insert into logs (log, system_identifier, timeline) values ($1, $2, $3)")
                {
                    Parameters = { new() { Value = log }, new() { Value = system }, new() { Value = timeline } },
                },
                new("insert into head (log, position) values ($1, 0)") { Parameters = { new() { Value = log } } },
                new("insert into published (log, position) values ($1, 0)") { Parameters = { new() { Value = log } } },
            },
        };
        await begin.ExecuteNonQueryAsync(cancellationToken);
    }
}
