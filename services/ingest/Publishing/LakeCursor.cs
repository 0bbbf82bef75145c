using Google.Protobuf.WellKnownTypes;
using Npgsql;
using WhatsAppMesh.Events.V1;

namespace WhatsAppMesh.Ingest;

/// <summary>
/// The publisher's view of the lake over the one session that holds its lock: what comes after the watermark, and moving the watermark.
/// </summary>
internal sealed class LakeCursor(NpgsqlConnection connection, IngestOptions options)
{
    /// <summary>
    /// Events after a position, as many as fit a request. Sizes are summed before any payload is fetched: octet_length reads no TOAST.
    /// </summary>
    internal const string ReadSql =
        """
        select position, tenant, source, event_id, revision, type, chat_jid, participant_jid, participant_alt,
               occurred_at, occurred_at_source, received_at, traceparent, case when size <= $4 then payload end, imported
        from (
            select e.*, octet_length(e.payload) as size,
                   sum(least(octet_length(e.payload), $4)) over (order by e.position rows unbounded preceding) as total,
                   row_number() over (order by e.position) as n
            from (select * from whatsapp_events where log = $1 and position > $2 order by position limit $3) e) sized
        where total <= $5 or n = 1
        order by position
        """;

    private readonly Dictionary<int, string> _tenants = [];

    /// <summary>Every log that has unpublished events, oldest first, with its watermark and its head.</summary>
    public async Task<List<(int Log, long Published, long Head)>> PendingAsync(CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(
            "select p.log, p.position, h.position from published p join head h on h.log = p.log where p.position < h.position order by p.log", connection);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var pending = new List<(int, long, long)>();
        while (await reader.ReadAsync(cancellationToken))
            pending.Add((reader.GetInt32(0), reader.GetInt64(1), reader.GetInt64(2)));
        return pending;
    }

    /// <summary>Fills a request with what comes after a watermark; empty when nothing does.</summary>
    /// <param name="request">Emptied first.</param>
    /// <param name="log">Log to read.</param>
    /// <param name="after">Position before the first event.</param>
    /// <param name="maxEvents">Most events.</param>
    /// <param name="withPayloads">False: every payload stays in the lake.</param>
    /// <param name="cancellationToken">Ends the call.</param>
    /// <exception cref="InvalidOperationException">An event names a tenant that the database does not know.</exception>
    public async Task FillAsync(PublishRequest request, int log, long after, int maxEvents, bool withPayloads, CancellationToken cancellationToken)
    {
        if (await TryFillAsync(request, log, after, maxEvents, withPayloads, cancellationToken) is null)
            return;
        // A tenant met for the first time: learn its name, then begin again.
        await LearnTenantsAsync(cancellationToken);
        if (await TryFillAsync(request, log, after, maxEvents, withPayloads, cancellationToken) is { } unknown)
            throw new InvalidOperationException($"An event after {log}:{after} names tenant {unknown}, which table tenants does not have: restore that row");
    }

    /// <summary>Fills a request, or returns the id of a tenant whose name is not known yet.</summary>
    private async Task<int?> TryFillAsync(PublishRequest request, int log, long after, int maxEvents, bool withPayloads, CancellationToken cancellationToken)
    {
        request.Clear();
        await using var command = new NpgsqlCommand(ReadSql, connection)
        {
            Parameters =
            {
                new NpgsqlParameter<int> { TypedValue = log },
                new NpgsqlParameter<long> { TypedValue = after },
                new NpgsqlParameter<int> { TypedValue = maxEvents },
                new NpgsqlParameter<int> { TypedValue = withPayloads ? options.MaxPublishedPayloadBytes : -1 },
                new NpgsqlParameter<long> { TypedValue = options.MaxPublishBytes },
            },
        };
        await command.PrepareAsync(cancellationToken);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            if (!_tenants.TryGetValue(reader.GetInt32(1), out var tenant))
                return reader.GetInt32(1);
            var inLake = reader.IsDBNull(13);
            var payload = inLake ? [] : reader.GetFieldValue<byte[]>(13);
            if (!request.TryAdd(Event(reader, log, tenant, inLake), payload, reader.IsDBNull(12) ? null : reader.GetString(12)))
                break;
        }
        return null;
    }

    /// <summary>Moves a log's watermark.</summary>
    public async Task MoveAsync(int log, long published, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand("update published set position = $2 where log = $1", connection)
        {
            Parameters = { new NpgsqlParameter<int> { TypedValue = log }, new NpgsqlParameter<long> { TypedValue = published } },
        };
        await command.PrepareAsync(cancellationToken);
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    private static CollectedEvent Event(NpgsqlDataReader reader, int log, string tenant, bool inLake) => new()
    {
        Log = log,
        Position = reader.GetInt64(0),
        Tenant = tenant,
        Source = reader.GetString(2),
        EventId = reader.GetGuid(3).ToString("D"),
        Revision = reader.GetInt32(4),
        Type = reader.GetString(5),
        ChatJid = reader.IsDBNull(6) ? "" : reader.GetString(6),
        ParticipantJid = reader.IsDBNull(7) ? "" : reader.GetString(7),
        ParticipantAlt = reader.IsDBNull(8) ? "" : reader.GetString(8),
        OccurredAt = Timestamp.FromDateTime(reader.GetDateTime(9)),
        OccurredAtSource = reader.GetString(10),
        ReceivedAt = Timestamp.FromDateTime(reader.GetDateTime(11)),
        PayloadInLake = inLake,
        Imported = reader.GetBoolean(14),
    };

    private async Task LearnTenantsAsync(CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand("select id, name from tenants", connection);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
            _tenants[reader.GetInt32(0)] = reader.GetString(1);
    }
}
