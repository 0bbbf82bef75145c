using System.Text.Json;
using WhatsAppMesh.Events;

namespace WhatsAppMesh.Ingest;

/// <summary>
/// Webhooks of configured triggers: <c>trigger.fired</c> with payload <c>{"trigger_id":ID,"body":BODY}</c>. The event id is derived from
/// the idempotency key; without a key it is fresh, and the post is never taken for a duplicate.
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
        var eventId = (request.IdempotencyKey ?? KeyIn(body.RootElement)) is { } key
            ? DerivedId.Of($"trigger|{trigger}|{key}")
            : Guid.CreateVersion7(request.ReceivedAt);
        var payload = WebhookJson.Wrap("trigger_id"u8, trigger, request.Body.Span);
        return request.Event(eventId, EventTypes.TriggerFired, payload, new Occurrence(request.ReceivedAt, EventTime.Untimed));
    }

    // Senders put the key in different places; some nest the whole message under "data".
    private static string? KeyIn(JsonElement body)
    {
        if (body.ValueKind != JsonValueKind.Object)
            return null;
        var data = body.TryGetProperty("data", out var nested) ? nested : default;
        return WebhookJson.Text(body, "idempotency_key")
            ?? WebhookJson.Text(body, "messageId")
            ?? WebhookJson.Text(data, "messageId")
            ?? WebhookJson.Text(data, "idempotency_key");
    }
}
