using System.Runtime.CompilerServices;
using Google.Protobuf.WellKnownTypes;
using Npgsql;
using NpgsqlTypes;
using WhatsAppMesh.Events.V1;
using WhatsAppMesh.Ingest.V1;

namespace WhatsAppMesh.Ingest;

/// <summary>Everything that is read from the lake on request.</summary>
internal sealed class LakeQueries(LakeDatabase database)
{
    // A page ends before its payloads pass this; gRPC clients take 4 MiB out of the box.
    private const int MaxPageBytes = 2 * 1024 * 1024;

    private const string Columns =
        """
        e.log, e.position, (select t.name from tenants t where t.id = e.tenant), e.source, e.event_id, e.revision, e.type, e.chat_jid,
        e.participant_jid, e.participant_alt, e.occurred_at, e.occurred_at_source, e.received_at, e.payload, e.imported
        """;

    private const string Matches =
        """
        e.tenant = $1
        and (cardinality($2::text[]) = 0 or e.type = any($2)) and ($3::text is null or e.chat_jid = $3)
        and ($4::timestamptz is null or e.occurred_at >= $4) and ($5::timestamptz is null or e.occurred_at < $5)
        """;

    /// <summary>One event by id: the wanted revision, or the newest. Null when there is none.</summary>
    public async Task<CollectedEvent?> FindAsync(string tenant, Guid eventId, int? revision, CancellationToken cancellationToken)
    {
        await using var command = database.Queries.CreateCommand(
            $"""
            select {Columns}
            from seen s join whatsapp_events e on e.log = s.log and e.position = s.position
            where s.tenant = (select id from tenants where name = $1) and s.event_id = $2 and ($3::int is null or s.revision = $3)
            order by s.revision desc limit 1
            """);
        command.Parameters.Add(new() { Value = tenant });
        command.Parameters.Add(new() { Value = eventId });
        command.Parameters.Add(new() { Value = (object?)revision ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Integer });
        await foreach (var item in ReadAsync(command, cancellationToken))
            return item;
        return null;
    }

    /// <summary>Events of a filter, newest first, before a place in the log.</summary>
    public Task<LakePage> NewestAsync(EventFilter filter, PageToken? before, int limit, CancellationToken cancellationToken) =>
        PageAsync("<", "e.log desc, e.position desc", filter, before ?? new PageToken(int.MaxValue, long.MaxValue), limit, cancellationToken);

    /// <summary>Events of a filter in log order, after a place in the log.</summary>
    public Task<LakePage> InOrderAsync(EventFilter filter, PageToken after, int limit, CancellationToken cancellationToken) =>
        PageAsync(">", "e.log, e.position", filter, after, limit, cancellationToken);

    /// <summary>The events at positions, range after range, each in order. Bounds are inclusive. No connection is held between events.</summary>
    public async IAsyncEnumerable<CollectedEvent> AtAsync(IReadOnlyList<PositionRange> ranges, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        for (var rest = ranges; rest.Count > 0;)
        {
            var (page, range) = await AtPageAsync(rest, cancellationToken);
            foreach (var item in page.Events)
                yield return item;
            rest = page.HasMore
                ? [new PositionRange { Log = rest[range].Log, From = page.Events[^1].Position + 1, To = rest[range].To }, .. rest.Skip(range + 1)]
                : [];
        }
    }

    /// <summary>Every log: its oldest kept and its newest position.</summary>
    public async Task<List<LogHead>> HeadsAsync(CancellationToken cancellationToken)
    {
        await using var command = database.Queries.CreateCommand(
            """
            select h.log, h.position, o.position, o.received_at
            from head h
            left join lateral (select e.position, e.received_at from whatsapp_events e where e.log = h.log order by e.position limit 1) o on true
            order by h.log
            """);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var heads = new List<LogHead>();
        while (await reader.ReadAsync(cancellationToken))
        {
            var newest = reader.GetInt64(1);
            heads.Add(new LogHead
            {
                Log = reader.GetInt32(0),
                Newest = newest,
                Oldest = reader.IsDBNull(2) ? newest + 1 : reader.GetInt64(2),
                OldestReceivedAt = reader.IsDBNull(3) ? null : Timestamp.FromDateTime(reader.GetDateTime(3)),
            });
        }
        return heads;
    }

    /// <summary>Counts of a tenant's rows.</summary>
    public async Task<GetStatsResponse> CountAsync(string tenant, CancellationToken cancellationToken)
    {
        await using var command = database.Queries.CreateCommand(
            """
            select type, count(*), count(*) filter (where revision > 0)
            from whatsapp_events where tenant = (select id from tenants where name = $1) group by type
            """);
        command.Parameters.Add(new() { Value = tenant });
        command.CommandTimeout = 120;
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var stats = new GetStatsResponse();
        while (await reader.ReadAsync(cancellationToken))
        {
            stats.ByType.Add(reader.GetString(0), reader.GetInt64(1));
            stats.Events += reader.GetInt64(1);
            stats.Revisions += reader.GetInt64(2);
        }
        return stats;
    }

    // Read whole before any of it is used: a client that reads slowly must not hold a connection. Sizes are summed before any payload is
    // fetched, and one event more than the page holds tells whether there is another page.
    private async Task<LakePage> PageAsync(string side, string order, EventFilter filter, PageToken place, int limit, CancellationToken cancellationToken)
    {
        // Looked up first, for the planner must know: a tenant without events would walk the whole log.
        if (await TenantIdAsync(filter.Tenant, cancellationToken) is not { } tenant)
            return new LakePage([], false);
        await using var command = Filtered(
            $"""
            select {Columns}, e.found
            from (
                select e.*, count(*) over () as found, row_number() over (order by {order}) as n,
                       sum(octet_length(e.payload)) over (order by {order} rows unbounded preceding) as total
                from (select e.* from whatsapp_events e where {Matches} and (e.log, e.position) {side} ($6, $7) order by {order} limit $8 + 1) e) e
            where e.n = 1 or (e.n <= $8 and e.total <= {MaxPageBytes})
            order by e.n
            """,
            tenant, filter, place, limit);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var (events, found) = (new List<CollectedEvent>(), 0L);
        while (await reader.ReadAsync(cancellationToken))
        {
            events.Add(Event(reader));
            found = reader.GetInt64(15);
        }
        return new LakePage(events, found > events.Count);
    }

    /// <summary>As many events of ranges as fit a page, and the index of the range that holds the last one.</summary>
    private async Task<(LakePage Page, int Range)> AtPageAsync(IReadOnlyList<PositionRange> ranges, CancellationToken cancellationToken)
    {
        await using var command = database.Queries.CreateCommand(
            $"""
            select {Columns}, e.found, e.n::int
            from (
                select e.*, r.n, count(*) over () as found, row_number() over (order by r.n, e.position) as place,
                       sum(octet_length(e.payload)) over (order by r.n, e.position rows unbounded preceding) as total
                from unnest($1::int[], $2::bigint[], $3::bigint[]) with ordinality r(log, first, last, n)
                cross join lateral (
                    select * from whatsapp_events e where e.log = r.log and e.position >= r.first and e.position <= r.last order by e.position) e) e
            where e.place = 1 or e.total <= {MaxPageBytes}
            order by e.place
            """);
        command.Parameters.Add(new() { Value = ranges.Select(static range => range.Log).ToArray() });
        command.Parameters.Add(new() { Value = ranges.Select(static range => range.From).ToArray() });
        command.Parameters.Add(new() { Value = ranges.Select(static range => range.To).ToArray() });
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var (events, found, last) = (new List<CollectedEvent>(), 0L, 0);
        while (await reader.ReadAsync(cancellationToken))
        {
            events.Add(Event(reader));
            (found, last) = (reader.GetInt64(15), reader.GetInt32(16) - 1);
        }
        return (new LakePage(events, found > events.Count), last);
    }

    private async Task<int?> TenantIdAsync(string tenant, CancellationToken cancellationToken)
    {
        await using var command = database.Queries.CreateCommand("select id from tenants where name = $1");
        command.Parameters.Add(new() { Value = tenant });
        return (int?)await command.ExecuteScalarAsync(cancellationToken);
    }

    private NpgsqlCommand Filtered(string sql, int tenant, EventFilter filter, PageToken place, int limit)
    {
        var command = database.Queries.CreateCommand(sql);
        command.Parameters.Add(new() { Value = tenant });
        command.Parameters.Add(new() { Value = filter.Types_.ToArray() });
        command.Parameters.Add(new() { Value = filter.ChatJid.Length > 0 ? filter.ChatJid : DBNull.Value, NpgsqlDbType = NpgsqlDbType.Text });
        command.Parameters.Add(new() { Value = (object?)filter.OccurredFrom?.ToDateTime() ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.TimestampTz });
        command.Parameters.Add(new() { Value = (object?)filter.OccurredTo?.ToDateTime() ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.TimestampTz });
        command.Parameters.Add(new() { Value = place.Log });
        command.Parameters.Add(new() { Value = place.Position });
        command.Parameters.Add(new() { Value = limit });
        return command;
    }

    private static async IAsyncEnumerable<CollectedEvent> ReadAsync(NpgsqlCommand command, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await using var owned = command;
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
            yield return Event(reader);
    }

    private static CollectedEvent Event(NpgsqlDataReader reader) => new()
    {
        Log = reader.GetInt32(0),
        Position = reader.GetInt64(1),
        Tenant = reader.GetString(2),
        Source = reader.GetString(3),
        EventId = reader.GetGuid(4).ToString("D"),
        Revision = reader.GetInt32(5),
        Type = reader.GetString(6),
        ChatJid = Text(reader, 7),
        ParticipantJid = Text(reader, 8),
        ParticipantAlt = Text(reader, 9),
        OccurredAt = Timestamp.FromDateTime(reader.GetDateTime(10)),
        OccurredAtSource = reader.GetString(11),
        ReceivedAt = Timestamp.FromDateTime(reader.GetDateTime(12)),
        PayloadJson = reader.GetString(13),
        Imported = reader.GetBoolean(14),
    };

    private static string Text(NpgsqlDataReader reader, int column) => reader.IsDBNull(column) ? "" : reader.GetString(column);
}

/// <summary>Some events of a filter, bounded in number and bytes; at least one when there is any.</summary>
/// <param name="Events">In the order asked for.</param>
/// <param name="HasMore">True when others follow the last one.</param>
internal sealed record LakePage(List<CollectedEvent> Events, bool HasMore);
