using System.Globalization;
using System.Text.Json.Nodes;
using Google.Protobuf.WellKnownTypes;
using WhatsAppMesh.Events;
using WhatsAppMesh.Events.V1;

namespace WhatsAppMesh.Dispatch.Tests.Driving;

/// <summary>Makes events of a log, each at the next position; times are hours of one day.</summary>
public sealed class Lake(string tenant = "acme")
{
    public const string Group = "120363000000000001@g.us";

    public static readonly DateTimeOffset Midnight = new(2026, 11, 21, 0, 0, 0, TimeSpan.Zero);

    private long _position;

    /// <summary>A stage change that happened at <paramref name="hour"/> and was received at <paramref name="received"/> (the same, unless given).</summary>
    public CollectedEvent Stage(string lead, string stage, double hour, double? received = null, string? id = null, JsonObject? more = null)
    {
        var body = more ?? [];
        body["stage_id"] = stage;
        return Event("lead.stage_changed", new JsonObject { ["lead_id"] = lead, ["body"] = body }, hour, received, id);
    }

    public CollectedEvent Trigger(string trigger, JsonNode body, double hour, string? id = null) =>
        Event("trigger.fired", new JsonObject { ["trigger_id"] = trigger, ["body"] = body }, hour, null, id);

    public CollectedEvent Join(string group, string? lid, string? phone, double hour, string? id = null, double? received = null) => Event(
        "member.joined", new JsonObject { ["group_jid"] = group, ["lid"] = lid, ["phone_jid"] = phone, ["joined_at"] = Hour(hour).ToString("O", CultureInfo.InvariantCulture) },
        hour, received, id);

    public CollectedEvent Event(string type, JsonNode payload, double hour, double? received = null, string? id = null)
    {
        var position = ++_position;
        return new CollectedEvent
        {
            Log = 1,
            Position = position,
            Tenant = tenant,
            Source = EventOrigin.TellerOf(type) ?? "test",
            EventId = DerivedId.Of(id ?? $"{tenant}|{type}|{position}").ToString(),
            Type = type,
            OccurredAt = Timestamp.FromDateTimeOffset(Hour(hour)),
            OccurredAtSource = "occurred_at",
            ReceivedAt = Timestamp.FromDateTimeOffset(Hour(received ?? hour)),
            PayloadJson = payload.ToJsonString(),
        };
    }

    public static DateTimeOffset Hour(double hour) => Midnight + TimeSpan.FromHours(hour);
}
