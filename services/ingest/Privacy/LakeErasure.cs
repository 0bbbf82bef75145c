using Npgsql;
using NpgsqlTypes;
using WhatsAppMesh.Events;

namespace WhatsAppMesh.Ingest;

/// <summary>
/// Rewrites the events that name a person, in place: ids, positions and dedup keys stay, so that nothing is missing from any account and
/// nothing that was erased is admitted again. Some events at a time, each portion a transaction of its own.
/// </summary>
internal sealed class LakeErasure(LakeDatabase database) : IDisposable
{
    private const int PositionsPerLook = 5_000;
    private const int RowsPerLook = 50;
    private const long BytesPerLook = 8 * 1024 * 1024;

    // Locked as they are read: two erasures of two people in one roster must not undo each other. How many were found is said as well: all of
    // them are read only if they are not too large together.
    private const string FindSql =
        """
        with named as materialized (
            select position, received_at, sum(bytes) over (order by position) - bytes as bytes_before from (
                select position, received_at, octet_length(payload) as bytes from whatsapp_events
                where tenant = $1 and log = $2 and position > $3 and position <= $4
                    and concat_ws(' ', chat_jid, participant_jid, participant_alt, payload) ~ $5
                order by position limit $6) n)
        select e.position, e.received_at, e.chat_jid, e.participant_jid, e.participant_alt, e.payload, (select count(*) from named)
        from named n join whatsapp_events e on e.log = $2 and e.position = n.position and e.received_at = n.received_at
        where n.bytes_before < $7
        order by e.position for update of e
        """;

    private const string RewriteSql =
        """
        update whatsapp_events e
        set chat_jid = v.chat_jid, participant_jid = v.participant_jid, participant_alt = v.participant_alt, payload = v.payload, traceparent = null
        from unnest($2::bigint[], $3::timestamptz[], $4::text[], $5::text[], $6::text[], $7::text[])
            v(position, received_at, chat_jid, participant_jid, participant_alt, payload)
        where e.log = $1 and e.position = v.position and e.received_at = v.received_at
        """;

    // However many ask: one step at a time takes one of the connections for queries, and none of those that appends need.
    private readonly SemaphoreSlim _turn = new(1);

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
        await _turn.WaitAsync(cancellationToken);
        try
        {
            await using var connection = await database.Queries.OpenConnectionAsync(cancellationToken);
            await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
            var (found, isAll) = await FindAsync(connection, tenant, person, cursor, until, cancellationToken);
            var rewritten = found.ConvertAll(row => Erase(row, person)).FindAll(static row => row is not null);
            if (rewritten.Count > 0)
                await RewriteAsync(connection, cursor.Log, rewritten!, cancellationToken);
            await transaction.CommitAsync(cancellationToken);
            return (rewritten.Count, cursor.After(isAll ? until : found[^1].Position));
        }
        finally
        {
            _turn.Release();
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _turn.Dispose();

    private static async Task<(List<Row> Rows, bool IsAll)> FindAsync(
        NpgsqlConnection connection, int tenant, Person person, ErasureCursor cursor, long until, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(FindSql, connection)
        {
            CommandTimeout = 60,
            Parameters =
            {
                new() { Value = tenant }, new() { Value = cursor.Log }, new() { Value = cursor.Position }, new() { Value = until },
                new() { Value = person.Pattern }, new() { Value = RowsPerLook }, new() { Value = BytesPerLook },
            },
        };
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var rows = new List<Row>();
        var count = 0L;
        while (await reader.ReadAsync(cancellationToken))
        {
            rows.Add(new Row(reader.GetInt64(0), reader.GetDateTime(1), Text(reader, 2), Text(reader, 3), Text(reader, 4), reader.GetString(5)));
            count = reader.GetInt64(6);
        }
        return (rows, count < RowsPerLook && rows.Count == count);
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
