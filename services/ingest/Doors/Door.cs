using WhatsAppMesh.Events;

namespace WhatsAppMesh.Ingest;

/// <summary>A request as the doors see it: who, which ids, and the body.</summary>
/// <param name="Tenant">Verified by edge.</param>
/// <param name="Source">What the event's source will be: see <see cref="Door.SourceOf"/>.</param>
/// <param name="EventId">Raw event id header of the collector's contracts; null when absent.</param>
/// <param name="RouteId">Trigger or lead id from the path; null elsewhere.</param>
/// <param name="IdempotencyKey">Idempotency-Key header; null when absent or blank.</param>
/// <param name="Body">Sanitised bytes of the body.</param>
/// <param name="ReceivedAt">Our clock when the request came in.</param>
/// <param name="TraceParent">W3C trace context; null when there is none.</param>
internal sealed record DoorRequest(
    string Tenant,
    string Source,
    string? EventId,
    string? RouteId,
    string? IdempotencyKey,
    ReadOnlyMemory<byte> Body,
    DateTimeOffset ReceivedAt,
    string? TraceParent)
{
    /// <summary>True when <see cref="EventId"/> is the sender's own text (Standard Webhooks); false when it must be a UUID.</summary>
    public bool HasOpaqueId { get; init; }

    /// <summary>What names a delivery of a trigger's sender, as edge has it from its configuration.</summary>
    public DeliveryNames Delivery { get; init; }

    /// <summary>An event of this request.</summary>
    public NewEvent Event(
        Guid eventId,
        string type,
        ReadOnlyMemory<byte> payload,
        Occurrence occurred,
        string? chatJid = null,
        string? participantJid = null,
        string? participantAlt = null) => new()
    {
        Tenant = Tenant,
        Source = Source,
        EventId = eventId,
        Type = type,
        ChatJid = chatJid,
        ParticipantJid = participantJid,
        ParticipantAlt = participantAlt,
        Payload = payload,
        Occurred = occurred,
        ReceivedAt = ReceivedAt,
        Key = DedupKey.Of(type, payload.Span, occurred.Source == EventTime.Untimed, ReceivedAt),
        TraceParent = TraceParent,
    };
}

/// <summary>What a door made of a request: events (none when there was nothing usable in it), or a refusal.</summary>
internal readonly record struct DoorReading(NewEvent[] Events, Refusal? Refusal)
{
    public static implicit operator DoorReading(Refusal refusal) => new([], refusal);

    public static implicit operator DoorReading(NewEvent one) => new([one], null);
}

/// <summary>One way into the lake: how a request becomes events, and what its client is told once they are stored.</summary>
/// <param name="Prefix">Of the sources of its events, from <see cref="EventOrigin"/>; empty for collectors.</param>
/// <param name="Read">Pure: decides everything but the storing.</param>
/// <param name="Answer">Writes the answer for stored events.</param>
internal sealed record Door(string Prefix, Func<DoorRequest, DoorReading> Read, Func<HttpResponse, NewEvent[], StoredEvent[], Task> Answer)
{
    /// <summary>Source of what a sender posts here; null when its name would pass for that of another door.</summary>
    /// <param name="name">The sender as edge verified it: the collector, or the configured trigger, CRM, broker or WAHA.</param>
    public string? SourceOf(string name) => EventOrigin.IsName(name) ? Prefix + name : null;
}
