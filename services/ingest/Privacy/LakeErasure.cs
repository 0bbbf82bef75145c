using System.Text;
using System.Text.Json;
using Npgsql;
using NpgsqlTypes;
using WhatsAppMesh.Events;

namespace WhatsAppMesh.Ingest;

/// <summary>
/// Rewrites the events that name a person, in place: ids, positions and dedup keys stay, so that nothing is missing from any account and
/// nothing that was erased is admitted again. Some events at a time, each portion a transaction of its own.
/// </summary>
internal sealed class LakeErasure(LakeDatabase database, Minimisation minimisation) : IDisposable
{
    private const int PositionsPerLook = 5_000;
    private const int RowsPerLook = 50;
    private const long BytesPerLook = 8 * 1024 * 1024;

    // Locked as they are read: two erasures of two people in one roster must not undo each other. How many were found is said as well: all of
    // them are read only if they are not too large together. While it learns, only what can teach anything.
    private const string FindSql =
        """
        with named as materialized (
            select position, received_at, sum(bytes) over (order by position) - bytes as bytes_before from (
                select position, received_at, octet_length(payload) as bytes from whatsapp_events
                where tenant = $1 and log = $2 and position > $3 and position <= $4
                    and (concat_ws(' ', chat_jid, participant_jid, participant_alt, payload) ~ $5
                        or (type = 'lead.stage_changed' and cardinality($8::text[]) > 0 and lake_jsonb(payload) ->> 'lead_id' = any($8)))
                    and (not $9 or type = 'lead.stage_changed' or payload ~* 'user_?name')
                order by position limit $6) n)
        select e.position, e.received_at, e.chat_jid, e.participant_jid, e.participant_alt, e.payload, e.type, e.source, e.event_id, e.revision, e.occurred_at_source,
            (select count(*) from named)
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

    // What an export has from now on is known as well: its import adds no revision.
    private const string KnowSql =
        """
        insert into seen (tenant, event_id, body_hash, log, position, revision)
        select $1, event_id, body_hash, $2, position, revision from unnest($3::uuid[], $4::uuid[], $5::bigint[], $6::int[]) v(event_id, body_hash, position, revision)
        order by 2, 3 on conflict do nothing
        """;

    // However many ask: one step at a time takes one of the connections for queries, and none of those that appends need.
    private readonly SemaphoreSlim _turn = new(1);

    private sealed record Row(long Position, DateTime ReceivedAt, string? ChatJid, string? ParticipantJid, string? ParticipantAlt, string Payload,
        string Type, string Source, Guid EventId, int Revision, string OccurredAtSource);

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

    /// <summary>Learns from the next events, or erases a person from them, and from what readers see of them.</summary>
    /// <returns>How many were rewritten, and where to go on; null when that was the end.</returns>
    public async Task<(int Rewritten, ErasureCursor? Next)> StepAsync(int tenant, string name, Person person, ErasureCursor cursor, CancellationToken cancellationToken)
    {
        var until = Math.Min(cursor.Position + PositionsPerLook, cursor.Heads[cursor.Log]);
        await _turn.WaitAsync(cancellationToken);
        try
        {
            await using var connection = await database.Queries.OpenConnectionAsync(cancellationToken);
            await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
            var known = person.With(cursor.Usernames);
            var (found, isAll) = await FindAsync(connection, tenant, known, cursor, until, cancellationToken);
            var place = isAll ? until : found[^1].Position;
            if (cursor.IsLearning)
            {
                return (0, cursor.With(
                    found.SelectMany(row => PayloadErasure.UsernamesIn(row.Payload, person)),
                    found.Where(row => PayloadErasure.Names(row.Payload, person)).Select(LeadOf).OfType<string>()).After(place));
            }
            var rewritten = found.ConvertAll(row => Erase(row, known, cursor.Leads)).FindAll(static row => row is not null);
            if (rewritten.Count > 0)
            {
                await RewriteAsync(connection, tenant, cursor.Log, rewritten!, cancellationToken);
                if (minimisation.Of(name) is { } minimiser)
                    await MinimisedEvents.WriteAsync(connection, tenant, minimiser, rewritten.ConvertAll(row => PlainOf(cursor.Log, row!)), cancellationToken);
            }
            await transaction.CommitAsync(cancellationToken);
            return (rewritten.Count, cursor.After(place));
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
                new() { Value = person.SearchPattern }, new() { Value = RowsPerLook }, new() { Value = BytesPerLook },
                new() { Value = cursor.IsLearning ? [] : cursor.Leads.ToArray() }, new() { Value = cursor.IsLearning },
            },
        };
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var rows = new List<Row>();
        var count = 0L;
        while (await reader.ReadAsync(cancellationToken))
        {
            rows.Add(new Row(
                reader.GetInt64(0), reader.GetDateTime(1), Text(reader, 2), Text(reader, 3), Text(reader, 4), reader.GetString(5),
                reader.GetString(6), reader.GetString(7), reader.GetGuid(8), reader.GetInt32(9), reader.GetString(10)));
            count = reader.GetInt64(11);
        }
        return (rows, count < RowsPerLook && rows.Count == count);
    }

    // Null when the pattern stands in it by chance, inside a longer number, or all of it was erased before.
    private static Row? Erase(Row row, Person person, IReadOnlySet<string> leads)
    {
        var isNamed = new[] { row.ChatJid, row.ParticipantJid, row.ParticipantAlt }.Any(jid => jid is not null && person.IsIn(jid));
        var payload = PayloadErasure.Erase(row.Payload, person, isNamed || (LeadOf(row) is { } lead && leads.Contains(lead)));
        return payload is null && !isNamed
            ? null
            : row with
            {
                ChatJid = row.ChatJid is null ? null : person.Replace(row.ChatJid),
                ParticipantJid = row.ParticipantJid is null ? null : person.Replace(row.ParticipantJid),
                ParticipantAlt = row.ParticipantAlt is null ? null : person.Replace(row.ParticipantAlt),
                Payload = payload ?? row.Payload,
            };
    }

    // A CRM's events name a lead by its id, and only some of them by the phone as well.
    private static string? LeadOf(Row row)
    {
        if (row.Type != EventTypes.LeadStageChanged)
            return null;
        try
        {
            using var document = JsonDocument.Parse(row.Payload, new JsonDocumentOptions { MaxDepth = EventReader.MaxDepth });
            return document.RootElement.ValueKind == JsonValueKind.Object && document.RootElement.TryGetProperty("lead_id", out var lead)
                && lead.ValueKind == JsonValueKind.String ? lead.GetString() : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private static PlainEvent PlainOf(int log, Row row) =>
        new(log, row.Position, row.ReceivedAt, row.EventId, row.ChatJid, row.ParticipantJid, row.ParticipantAlt, row.Payload);

    private static Guid HashOf(Row row) =>
        ImportedEvent.KeyOf(row.Source, row.Type, row.OccurredAtSource, row.EventId, Encoding.UTF8.GetBytes(row.Payload), row.ReceivedAt).Hash;

    private static async Task RewriteAsync(NpgsqlConnection connection, int tenant, int log, List<Row> rows, CancellationToken cancellationToken)
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
        await using var know = new NpgsqlCommand(KnowSql, connection)
        {
            CommandTimeout = 60,
            Parameters =
            {
                new() { Value = tenant }, new() { Value = log },
                new() { Value = rows.ConvertAll(static row => row.EventId) },
                new() { Value = rows.ConvertAll(HashOf) },
                new() { Value = rows.ConvertAll(static row => row.Position) },
                new() { Value = rows.ConvertAll(static row => row.Revision) },
            },
        };
        await know.ExecuteNonQueryAsync(cancellationToken);
    }

    private static string? Text(NpgsqlDataReader reader, int column) => reader.IsDBNull(column) ? null : reader.GetString(column);
}
