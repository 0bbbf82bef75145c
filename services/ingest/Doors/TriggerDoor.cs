using WhatsAppMesh.Events;

namespace WhatsAppMesh.Ingest;

/// <summary>
/// Webhooks of configured triggers: <c>trigger.fired</c> with payload <c>{"trigger_id":ID,"body":BODY}</c>. The event id is derived from
/// what names the delivery (<see cref="TriggerKey"/>); where nothing does it is fresh, and the post is never taken for a duplicate.
/// </summary>
internal static class TriggerDoor
{
    public static readonly Door Instance = new(EventOrigin.Trigger, Read, DoorAnswers.Ok);

    private static DoorReading Read(DoorRequest request)
    {
        var errors = new FieldErrors();
        using var body = WebhookJson.Parse(request.Body, errors);
        if (body is null)
            return errors.ToRefusal();
        var trigger = request.RouteId!;
        var key = TriggerKey.Of(request.IdempotencyKey, request.Delivery, body.RootElement);
        var eventId = key is { } named ? DerivedId.Of($"trigger|{trigger}|{named.Text}") : Guid.CreateVersion7(request.ReceivedAt);
        var payload = WebhookJson.Wrap("trigger_id"u8, trigger, request.Body.Span);
        var fired = request.Event(eventId, EventTypes.TriggerFired, payload, new Occurrence(request.ReceivedAt, EventTime.Untimed));

        // Stripe counts its attempts in the body and Linear times them there: neither makes a second event of a delivery.
        return key is { IsDelivery: true } ? fired with { Key = new DedupKey(BodyHash.OfDerived(fired.Type, eventId), null) } : fired;
    }
}
