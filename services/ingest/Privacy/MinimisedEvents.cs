using Npgsql;
using NpgsqlTypes;
using WhatsAppMesh.Events;

namespace WhatsAppMesh.Ingest;

/// <summary>An event as it is in the lake, as far as readers of a minimised tenant see it changed.</summary>
internal sealed record PlainEvent(
    int Log, long Position, DateTime ReceivedAt, Guid EventId, string? ChatJid, string? ParticipantJid, string? ParticipantAlt, string Payload);

/// <summary>The copies of a minimised tenant's events that readers see.</summary>
internal static class MinimisedEvents
{
    private const string WriteSql =
        """
        insert into minimised_events as m (log, position, tenant, received_at, event_id, chat_jid, participant_jid, participant_alt, payload)
        select log, position, $1, received_at, event_id, chat_jid, participant_jid, participant_alt, payload
        from unnest($2::int[], $3::bigint[], $4::timestamptz[], $5::uuid[], $6::text[], $7::text[], $8::text[], $9::text[])
            v(log, position, received_at, event_id, chat_jid, participant_jid, participant_alt, payload)
        order by 1, 2
        on conflict (log, position) do update set event_id = excluded.event_id, chat_jid = excluded.chat_jid,
            participant_jid = excluded.participant_jid, participant_alt = excluded.participant_alt, payload = excluded.payload
        """;

    /// <summary>Writes the copies of events, in place of older ones.</summary>
    public static async Task WriteAsync(NpgsqlConnection connection, int tenant, Minimiser minimiser, List<PlainEvent> events, CancellationToken cancellationToken)
    {
        const NpgsqlDbType Texts = NpgsqlDbType.Array | NpgsqlDbType.Text;
        await using var command = new NpgsqlCommand(WriteSql, connection)
        {
            CommandTimeout = 60,
            Parameters =
            {
                new() { Value = tenant },
                new() { Value = events.ConvertAll(static one => one.Log) },
                new() { Value = events.ConvertAll(static one => one.Position) },
                new() { Value = events.ConvertAll(static one => one.ReceivedAt), NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.TimestampTz },
                new() { Value = events.ConvertAll(one => minimiser.EventId(one.EventId)) },
                new() { Value = events.ConvertAll(one => minimiser.Address(one.ChatJid)), NpgsqlDbType = Texts },
                new() { Value = events.ConvertAll(one => minimiser.Address(one.ParticipantJid)), NpgsqlDbType = Texts },
                new() { Value = events.ConvertAll(one => minimiser.Address(one.ParticipantAlt)), NpgsqlDbType = Texts },
                new() { Value = events.ConvertAll(one => minimiser.Json(one.Payload)), NpgsqlDbType = Texts },
            },
        };
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    /// <summary>
    /// Hides a tenant's events from readers as they are, before anything of the tenant is accepted; and at the start of a process shows those of
    /// tenants again that are no longer minimised.
    /// </summary>
    public static async Task DeclareAsync(NpgsqlDataSource database, Minimisation minimisation, CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand(
            """
            with known as (insert into tenants (name) select unnest($1::text[]) on conflict (name) do update set name = excluded.name returning id, name)
            insert into minimised as m (tenant, version, log, position)
            select k.id, v.version, 0, 0 from known k join unnest($1::text[], $2::text[]) v(name, version) on v.name = k.name
            on conflict (tenant) do update set version = excluded.version, log = 0, position = 0 where m.version <> excluded.version
            """);
        string[] tenants = [.. minimisation.Tenants.Order(StringComparer.Ordinal)];
        command.Parameters.Add(new() { Value = tenants });
        command.Parameters.Add(new() { Value = tenants.Select(tenant => minimisation.Of(tenant)!.Version).ToArray() });
        await command.ExecuteNonQueryAsync(cancellationToken);
        await using var others = database.CreateCommand(
            """
            with gone as (delete from minimised m using tenants t where t.id = m.tenant and t.name <> all($1) returning m.tenant)
            delete from minimised_events where tenant in (select tenant from gone)
            """);
        others.Parameters.Add(new() { Value = tenants });
        others.CommandTimeout = 600;
        await others.ExecuteNonQueryAsync(cancellationToken);
    }
}
