using Npgsql;
using NpgsqlTypes;
using WhatsAppMesh.Events;

namespace WhatsAppMesh.Ingest;

/// <summary>
/// Rewrites the events that name a person, in place: ids, positions and dedup keys stay, so that nothing is missing from any account and
/// nothing that was erased is admitted again. Some events at a time, each portion a transaction of its own.
/// </summary>
internal sealed class LakeErasure(LakeDatabase database)
{
    private const int PositionsPerLook = 5_000;
    private const int RowsPerLook = 50;

    // Locked as they are read: two erasures of two people in one roster must not undo each other.
    private const string FindSql =
        """
        select position, received_at, chat_jid, participant_jid, participant_alt, payload
        from whatsapp_events
        where tenant = $1 and log = $2 and position > $3 and position <= $4
            and concat_ws(' ', chat_jid, participant_jid, participant_alt, payload) ~ $5
        order by position limit $6 for update
        """;

    private const string RewriteSql =
        """
        update whatsapp_events e
        set chat_jid = v.chat_jid, participant_jid = v.participant_jid, participant_alt = v.participant_alt, payload = v.payload, traceparent = null
        from unnest($2::bigint[], $3::timestamptz[], $4::text[], $5::text[], $6::text[], $7::text[])
            v(position, received_at, chat_jid, participant_jid, participant_alt, payload)
        where e.log = $1 and e.position = v.position and e.received_at = v.received_at
        """;

    private sealed record Row(long Position, DateTime ReceivedAt, string? ChatJid, string? ParticipantJid, string? ParticipantAlt, string Payload);

    /// <summary>The newest position of each log, now.</summary>
    public async Task<Dictionary<int, long>> HeadsAsync(CancellationToken cancellationToken)
    {
        await using var command = database.Queries.CreateCommand("select log, position from head");
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var heads = new Dictionary<int, long>();
        while (await reader.ReadAsync(cancellationToken))
            heads.Add(reader.GetInt32(0), reader.GetInt64(1));
        return heads;
    }

    /// <summary>Id of a tenant; null when it has no events.</summary>
    public async Task<int?> TenantAsync(string tenant, CancellationToken cancellationToken)
    {
        await using var command = database.Queries.CreateCommand("select id from tenants where name = $1");
        command.Parameters.Add(new() { Value = tenant });
        return (int?)await command.ExecuteScalarAsync(cancellationToken);
    }

    /// <summary>Erases a person from the next events.</summary>
    /// <returns>How many were rewritten, and where to go on; null when that was the end.</returns>
    public async Task<(int Rewritten, ErasureCursor? Next)> StepAsync(int tenant, Person person, ErasureCursor cursor, CancellationToken cancellationToken)
    {
        var until = Math.Min(cursor.Position + PositionsPerLook, cursor.Heads[cursor.Log]);
        await using var connection = await database.Hot.OpenConnectionAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        var found = await FindAsync(connection, tenant, person, cursor, until, cancellationToken);
        var rewritten = found.ConvertAll(row => Erase(row, person)).FindAll(static row => row is not null);
        if (rewritten.Count > 0)
            await RewriteAsync(connection, cursor.Log, rewritten!, cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        return (rewritten.Count, cursor.After(found.Count == RowsPerLook ? found[^1].Position : until));
    }

    private static async Task<List<Row>> FindAsync(
        NpgsqlConnection connection, int tenant, Person person, ErasureCursor cursor, long until, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(FindSql, connection)
        {
            CommandTimeout = 60,
            Parameters =
            {
                new() { Value = tenant }, new() { Value = cursor.Log }, new() { Value = cursor.Position }, new() { Value = until },
                new() { Value = person.Pattern }, new() { Value = RowsPerLook },
            },
        };
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var rows = new List<Row>();
        while (await reader.ReadAsync(cancellationToken))
            rows.Add(new Row(reader.GetInt64(0), reader.GetDateTime(1), Text(reader, 2), Text(reader, 3), Text(reader, 4), reader.GetString(5)));
        return rows;
    }

    // Null when the pattern stands in it by chance, inside a longer number.
    private static Row? Erase(Row row, Person person)
    {
        var isTheirs = new[] { row.ChatJid, row.ParticipantJid, row.ParticipantAlt }.Any(jid => jid is not null && person.IsIn(jid));
        var payload = PayloadErasure.Erase(row.Payload, person, isTheirs);
        return payload is null && !isTheirs
            ? null
            : row with
            {
                ChatJid = row.ChatJid is null ? null : person.Replace(row.ChatJid),
                ParticipantJid = row.ParticipantJid is null ? null : person.Replace(row.ParticipantJid),
                ParticipantAlt = row.ParticipantAlt is null ? null : person.Replace(row.ParticipantAlt),
                Payload = payload ?? row.Payload,
            };
    }

    private static async Task RewriteAsync(NpgsqlConnection connection, int log, List<Row> rows, CancellationToken cancellationToken)
    {
        const NpgsqlDbType Array = NpgsqlDbType.Array;
        await using var command = new NpgsqlCommand(RewriteSql, connection)
        {
            CommandTimeout = 60,
            Parameters =
            {
                new() { Value = log },
                new() { Value = rows.ConvertAll(static row => row.Position), NpgsqlDbType = Array | NpgsqlDbType.Bigint },
                new() { Value = rows.ConvertAll(static row => row.ReceivedAt), NpgsqlDbType = Array | NpgsqlDbType.TimestampTz },
                new() { Value = rows.ConvertAll(static row => row.ChatJid), NpgsqlDbType = Array | NpgsqlDbType.Text },
                new() { Value = rows.ConvertAll(static row => row.ParticipantJid), NpgsqlDbType = Array | NpgsqlDbType.Text },
                new() { Value = rows.ConvertAll(static row => row.ParticipantAlt), NpgsqlDbType = Array | NpgsqlDbType.Text },
                new() { Value = rows.ConvertAll(static row => row.Payload), NpgsqlDbType = Array | NpgsqlDbType.Text },
            },
        };
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    private static string? Text(NpgsqlDataReader reader, int column) => reader.IsDBNull(column) ? null : reader.GetString(column);
}
