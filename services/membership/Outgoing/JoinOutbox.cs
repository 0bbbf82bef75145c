using System.Text.Json;
using Google.Protobuf.WellKnownTypes;
using Npgsql;
using WhatsAppMesh.Ingest.V1;
using WhatsAppMesh.Membership.Events;
using WhatsAppMesh.Membership.Store;

namespace WhatsAppMesh.Membership.Outgoing;

/// <summary>
/// Sends the joins that wait in member_joins to the lake, on one replica at a time. While the service is being rebuilt it waits: what was
/// announced before comes back from the log and takes the joins of the same stays out of the outbox. Ids are deterministic, so a send
/// that is repeated after a crash is one event.
/// </summary>
internal sealed partial class JoinOutbox(
    SingleReplica replica, RebuildState rebuild, NpgsqlDataSource database, LakeSender lake, MembershipOptions options, MembershipMetrics metrics,
    TimeProvider time, ILogger<JoinOutbox> logger) : BackgroundService
{
    // Key of the advisory lock, the same on every replica.
    private const long LockKey = 0x6D65_7368_0010;

    /// <inheritdoc/>
    protected override Task ExecuteAsync(CancellationToken stoppingToken) => replica.RunAsync("outbox of joins", LockKey, StepAsync, stoppingToken);

    private async Task StepAsync(CancellationToken cancellationToken)
    {
        var joins = (await rebuild.GetAsync(cancellationToken)).IsComplete ? await LoadAsync(cancellationToken) : [];
        if (joins.Count == 0)
        {
            await Task.Delay(options.JoinInterval, time, cancellationToken);
            return;
        }

        await lake.AppendAsync(joins, cancellationToken);
        await MarkAsync(joins, cancellationToken);
        metrics.JoinsSent(joins.Count);
        Log.Sent(logger, joins.Count);
    }

    private async Task<List<DerivedEvent>> LoadAsync(CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand(
            """
            select event_id, tenant, joined_at, payload from member_joins
            where state = 'pending' and (hold_until is null or hold_until <= $2) order by log, position, jid limit $1
            """);
        command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = options.JoinBatchSize });
        command.Parameters.Add(new NpgsqlParameter<DateTimeOffset> { TypedValue = time.GetUtcNow() });
        var joins = new List<DerivedEvent>();
        await using var row = await command.ExecuteReaderAsync(cancellationToken);
        while (await row.ReadAsync(cancellationToken))
            joins.Add(Derive(row.GetGuid(0), row.GetString(1), row.Time(2), row.GetString(3)));
        return joins;
    }

    private static DerivedEvent Derive(Guid id, string tenant, DateTimeOffset joinedAt, string payloadJson)
    {
        var payload = JsonSerializer.Deserialize(payloadJson, StoreJson.Default.JoinPayload)!;
        return new DerivedEvent
        {
            Tenant = tenant,
            EventId = id.ToString(),
            Type = MemberJoinedReader.Type,
            ChatJid = payload.GroupJid,
            ParticipantJid = payload.Lid ?? payload.PhoneJid ?? "",
            ParticipantAlt = payload.Lid is null ? "" : payload.PhoneJid ?? "",
            OccurredAt = Timestamp.FromDateTimeOffset(joinedAt),
            PayloadJson = payloadJson,
        };
    }

    // One that came back in the meantime is confirmed already; one that was cancelled in the meantime has been told after all.
    private async Task MarkAsync(List<DerivedEvent> joins, CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand(
            "update member_joins set state = 'sent', payload = '' where event_id = any($1) and state in ('pending', 'cancelled')");
        command.Parameters.Add(new NpgsqlParameter<Guid[]> { TypedValue = [.. joins.Select(static join => Guid.Parse(join.EventId))] });
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    private static partial class Log
    {
        [LoggerMessage(3010, LogLevel.Information, "Announced {Count} joins")]
        public static partial void Sent(ILogger logger, int count);
    }
}
