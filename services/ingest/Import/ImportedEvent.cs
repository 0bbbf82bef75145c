using System.Text;
using Google.Protobuf.WellKnownTypes;
using WhatsAppMesh.Events;
using WhatsAppMesh.Events.V1;

namespace WhatsAppMesh.Ingest;

/// <summary>
/// One line of an import: an event that keeps its ids and times, or the first rule that it breaks. The rules are those of the doors, or
/// an import could put into the lake what no consumer expects there.
/// </summary>
/// <param name="Event">The event; null when it is refused.</param>
/// <param name="Field">Field that breaks a rule.</param>
/// <param name="Reason">The rule; never a word of the event.</param>
internal readonly record struct ImportedEvent(NewEvent? Event, string Field = "", string Reason = "")
{
    private const int MaxFieldLength = 100;

    // A door's prefix and the longest name.
    private const int MaxSourceLength = 120;

    /// <summary>Earliest reception that is believed: WhatsApp's first year.</summary>
    public static readonly DateTimeOffset EarliestReception = new(2009, 1, 1, 0, 0, 0, TimeSpan.Zero);

    private static readonly TimeSpan ClockSkew = TimeSpan.FromMinutes(5);

    /// <summary>Reads a line.</summary>
    /// <param name="item">As exported; null when the line held none.</param>
    /// <param name="tenant">Tenant that the import is for.</param>
    /// <param name="oldest">Received before this, an event would be removed by retention at once.</param>
    /// <param name="now">Our clock.</param>
    public static ImportedEvent Read(CollectedEvent? item, string tenant, DateTimeOffset oldest, DateTimeOffset now)
    {
        if (item is null)
            return new(null, "event", "is required");
        if (FirstBroken(item, oldest, now) is { } broken)
            return new(null, broken.Field, broken.Rule);
        var payload = JsonSanitiser.Clean(Encoding.UTF8.GetBytes(item.PayloadJson));
        if (!PayloadRule.Holds(payload.Span))
            return new(null, "payload_json", PayloadRule.Text);
        var (eventId, receivedAt) = (Guid.ParseExact(item.EventId, "D"), item.ReceivedAt.ToDateTimeOffset());
        return new(new NewEvent
        {
            Tenant = tenant,
            Source = item.Source,
            EventId = eventId,
            Type = item.Type,
            ChatJid = NullIfEmpty(item.ChatJid),
            ParticipantJid = NullIfEmpty(item.ParticipantJid),
            ParticipantAlt = NullIfEmpty(item.ParticipantAlt),
            Occurred = EventTime.FirstOf(receivedAt, (item.OccurredAt?.ToDateTimeOffset(), NullIfEmpty(item.OccurredAtSource) ?? EventTime.Envelope)),
            ReceivedAt = receivedAt,
            Payload = payload,
            Key = KeyOf(item.Source, item.Type, item.OccurredAtSource, eventId, payload, receivedAt),
            ImportedAt = now,
        });
    }

    private static (string Field, string Rule)? FirstBroken(CollectedEvent item, DateTimeOffset oldest, DateTimeOffset now)
    {
        if (item.Minimised)
            return ("minimised", "is a copy without people: only an export with full=true can be imported");
        if (!Guid.TryParseExact(item.EventId, "D", out _))
            return ("event_id", "must be a UUID");
        if (TextRules.BrokenBy(item.Type, EventReader.MaxTypeLength, isRequired: true) is { } type)
            return ("type", type);
        if (TextRules.BrokenBy(item.Source, MaxSourceLength, isRequired: true) is { } source)
            return ("source", source);
        if (TextRules.BrokenBy(item.OccurredAtSource, MaxFieldLength) is { } occurredAtSource)
            return ("occurred_at_source", occurredAtSource);
        foreach (var (field, jid) in new[] { ("chat_jid", item.ChatJid), ("participant_jid", item.ParticipantJid), ("participant_alt", item.ParticipantAlt) })
        {
            if (TextRules.BrokenBy(jid, Jid.MaxLength) is { } rule)
                return (field, rule);
        }
        if (!TextRules.IsTime(item.OccurredAt))
            return ("occurred_at", TextRules.Time);
        if (item.PayloadInLake)
            return ("payload_json", "is required: an export carries every payload");
        return BrokenByReception(item.ReceivedAt, oldest, now) is { } reception ? ("received_at", reception) : null;
    }

    private static string? BrokenByReception(Timestamp? at, DateTimeOffset oldest, DateTimeOffset now)
    {
        if (at is null || !TextRules.IsTime(at))
            return at is null ? "is required" : TextRules.Time;
        var time = at.ToDateTimeOffset();
        if (time < EarliestReception || time > now + ClockSkew)
            return $"must be from {EarliestReception:yyyy-MM-dd} until now";
        return time < oldest ? $"is older than retention keeps: the lake begins at {oldest:yyyy-MM-dd}" : null;
    }

    // As where it came from: what a service derived is told apart by its id alone, a CRM's stage change by its stage.
    internal static DedupKey KeyOf(
        string source, string type, string occurredAtSource, Guid eventId, ReadOnlyMemory<byte> payload, DateTimeOffset receivedAt)
    {
        if (source.StartsWith(EventOrigin.Service, StringComparison.Ordinal))
            return new DedupKey(BodyHash.OfDerived(type, eventId), null);
        var isStageChange = type == EventTypes.LeadStageChanged && source.StartsWith(EventOrigin.Crm, StringComparison.Ordinal);
        return isStageChange && StageHash.OfPayload(payload) is { } stage
            ? new DedupKey(stage, null)
            : DedupKey.Of(type, payload.Span, occurredAtSource is "" or EventTime.Untimed, receivedAt);
    }

    private static string? NullIfEmpty(string text) => text.Length == 0 ? null : text;
}
