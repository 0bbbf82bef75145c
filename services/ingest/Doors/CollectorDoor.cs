using System.Buffers;
using WhatsAppMesh.Events;

namespace WhatsAppMesh.Ingest;

/// <summary>
/// Collectors, both generations of their contract. Their event ids are UUIDs; the ids of Standard Webhooks are text of the sender's own, so
/// one that is no UUID becomes one, and two senders' <c>msg_1</c> are two events (ADR 0031).
/// </summary>
internal static class CollectorDoor
{
    public static readonly Door V1 = new("", request => Read(request, CollectorContract.V1), DoorAnswers.AcceptedOrDuplicate);

    public static readonly Door V2 = new("", request => Read(request, CollectorContract.V2), DoorAnswers.Stored);

    /// <summary>Most characters of an id that is text of the sender's own.</summary>
    public const int MaxOpaqueIdLength = 512;

    private static readonly Refusal InvalidEventId = new(StatusCodes.Status400BadRequest, "invalid_event_id", "The event id must be a UUID");

    private static readonly Refusal InvalidWebhookId =
        InvalidEventId with { Error = $"A webhook-id has 1 to {MaxOpaqueIdLength} visible ASCII characters" };

    private static readonly SearchValues<char> Visible = SearchValues.Create([.. Enumerable.Range('!', '~' - '!' + 1).Select(static c => (char)c)]);

    private static DoorReading Read(DoorRequest request, CollectorContract contract)
    {
        // The id comes first: a client that sends none is told so, whatever its body looks like.
        if (IdOf(request) is not { } eventId)
            return request.HasOpaqueId ? InvalidWebhookId : InvalidEventId;
        var errors = new FieldErrors();
        var body = EventReader.Read(request.Body, contract, errors);
        if (!errors.IsEmpty)
            return errors.ToRefusal();
        var occurred = EventTime.Of(body.Type, body.OccurredAt, body.OccurredAtSource, body.Payload.Span, request.ReceivedAt);
        return request.Event(eventId, body.Type, body.Payload, occurred, body.ChatJid, body.ParticipantJid, body.ParticipantAlt);
    }

    private static Guid? IdOf(DoorRequest request)
    {
        if (Guid.TryParseExact(request.EventId, "D", out var uuid))
            return uuid;
        return request is { HasOpaqueId: true, EventId: { Length: <= MaxOpaqueIdLength } id } && !id.AsSpan().ContainsAnyExcept(Visible)
            ? DerivedId.Of($"webhook|{request.Tenant}|{request.Source}|{id}")
            : null;
    }
}
