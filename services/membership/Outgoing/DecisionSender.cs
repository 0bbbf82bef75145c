using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Npgsql;
using WhatsAppMesh.Events;
using WhatsAppMesh.Ingest.V1;
using WhatsAppMesh.Membership.Events;
using WhatsAppMesh.Membership.Facts;

namespace WhatsAppMesh.Membership.Outgoing;

/// <summary>An operator's word on whether a phone belongs to a LID.</summary>
/// <param name="Since">From when on; null = from the beginning. Of a link only.</param>
internal sealed record Decision(string Tenant, string Lid, string Phone, bool IsLinked, DateTimeOffset? Since, string Reason);

/// <summary>
/// Sends an operator's decision to the lake and waits until it has come back and been applied, so that the answer speaks of the state
/// after it.
/// </summary>
internal sealed partial class DecisionSender(NpgsqlDataSource database, LakeSender lake, MembershipOptions options, TimeProvider time)
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(50);

    /// <summary>Sends a decision and waits for its effect.</summary>
    /// <exception cref="RpcException">UNAVAILABLE: the event has not come back in time. Safe to repeat.</exception>
    /// <exception cref="LakeException">The lake cannot be asked. Safe to repeat.</exception>
    public async Task DecideAsync(Decision decision, CancellationToken cancellationToken)
    {
        var before = await ReadAsync(decision, cancellationToken);
        // The last decision counts: this one must not lose to an earlier one from a clock that is ahead.
        var at = ToMicrosecond(time.GetUtcNow());
        if (before is { } known && known.OrderAt >= at)
            at = known.OrderAt.AddMicroseconds(1);
        var appended = (await lake.AppendAsync([Derive(decision, before, at)], cancellationToken))[0];
        var started = time.GetTimestamp();
        while (!IsApplied(await ReadAsync(decision, cancellationToken), before, at, appended))
        {
            if (time.GetElapsedTime(started) > options.DecisionPatience)
                throw new RpcException(new Status(StatusCode.Unavailable, "The decision is logged and will be applied; it has not come back yet. Ask again."));
            await Task.Delay(Pause, time, cancellationToken);
        }
    }

    /// <summary>
    /// Applied, or beaten by a decision on the pair that counts as later: by its clock, wherever it stands in the log. Of a repeated call the
    /// time that was logged is not known here; any other decision since is then its effect, or has beaten it.
    /// </summary>
    internal static bool IsApplied(FactKey? now, FactKey? before, DateTimeOffset at, AppendResult appended) => now is { } key
        && ((key.Log == appended.Log && key.Position == appended.Position)
            || (appended.Appended ? key.CompareTo(new FactKey(at, appended.Log, appended.Position, 0)) > 0 : now != before));

    // What the lake and the tables keep of a time.
    private static DateTimeOffset ToMicrosecond(DateTimeOffset time) => new(time.Ticks - (time.Ticks % TimeSpan.TicksPerMicrosecond), time.Offset);

    private static DerivedEvent Derive(Decision decision, FactKey? before, DateTimeOffset at)
    {
        var type = decision.IsLinked ? IdentityDecisionReader.Linked : IdentityDecisionReader.Unlinked;
        // The decision before is part of the name: a repeated call is one event, and the same word said later is another.
        var name = string.Create(CultureInfo.InvariantCulture,
            $"{type}|{decision.Tenant}|{decision.Phone}|{decision.Lid}|{before?.Log}|{before?.Position}|{decision.Since?.UtcTicks}");
        var payload = new DecisionPayload(decision.Lid, decision.Phone, decision.Since, decision.Reason);
        return new DerivedEvent
        {
            Tenant = decision.Tenant,
            EventId = DerivedId.Of(name).ToString(),
            Type = type,
            ParticipantJid = decision.Lid,
            ParticipantAlt = decision.Phone,
            OccurredAt = Timestamp.FromDateTimeOffset(at),
            PayloadJson = JsonSerializer.Serialize(payload, DecisionJson.Default.DecisionPayload),
        };
    }

    private async Task<FactKey?> ReadAsync(Decision decision, CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand(
            "select decided_order_at, decided_log, decided_position from identity_pairs where tenant = $1 and phone = $2 and lid = $3");
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = decision.Tenant });
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = decision.Phone });
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = decision.Lid });
        await using var row = await command.ExecuteReaderAsync(cancellationToken);
        return await row.ReadAsync(cancellationToken) && row.TimeOrNull(0) is { } at ? new FactKey(at, row.GetInt32(1), row.GetInt64(2), 0) : null;
    }

    private sealed record DecisionPayload(
        [property: JsonPropertyName("lid")] string Lid,
        [property: JsonPropertyName("phone_jid")] string Phone,
        [property: JsonPropertyName("since")] DateTimeOffset? Since,
        [property: JsonPropertyName("reason")] string Reason);

    [JsonSerializable(typeof(DecisionPayload))]
    private sealed partial class DecisionJson : JsonSerializerContext;
}
