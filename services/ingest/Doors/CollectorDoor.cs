namespace WhatsAppMesh.Ingest;

/// <summary>Collectors, both generations of their contract.</summary>
internal static class CollectorDoor
{
    public static readonly Door V1 = new("", request => Read(request, CollectorContract.V1), DoorAnswers.AcceptedOrDuplicate);

    public static readonly Door V2 = new("", request => Read(request, CollectorContract.V2), DoorAnswers.Stored);

    private static readonly Refusal InvalidEventId = new(StatusCodes.Status400BadRequest, "invalid_event_id", "The event id must be a UUID");

    private static DoorReading Read(DoorRequest request, CollectorContract contract)
    {
        // The id comes first: a client that sends none is told so, whatever its body looks like.
        if (!Guid.TryParseExact(request.EventId, "D", out var eventId))
            return InvalidEventId;
        var errors = new FieldErrors();
        var body = EventReader.Read(request.Body, contract, errors);
        if (!errors.IsEmpty)
            return errors.ToRefusal();
        var occurred = EventTime.Of(body.Type, body.OccurredAt, body.OccurredAtSource, body.Payload.Span, request.ReceivedAt);
        return request.Event(eventId, body.Type, body.Payload, occurred, body.ChatJid, body.ParticipantJid, body.ParticipantAlt);
    }
}
