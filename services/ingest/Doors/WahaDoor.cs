using System.Text.Json;
using WhatsAppMesh.Events;

namespace WhatsAppMesh.Ingest;

/// <summary>Webhooks of WAHA, stored raw as <c>waha.{event}</c>. WAHA keeps an event's id across its retries.</summary>
internal static class WahaDoor
{
    public static readonly Door Instance = new(EventOrigin.Waha, Read, DoorAnswers.Accepted);

    private const int MaxEventLength = 95;

    private static DoorReading Read(DoorRequest request)
    {
        var errors = new FieldErrors();
        using var document = WebhookJson.Parse(request.Body, errors);
        if (document is null)
            return errors.ToRefusal();
        var body = document.RootElement;
        if (body.ValueKind != JsonValueKind.Object)
        {
            errors.Add("body", "must be a JSON object");
            return errors.ToRefusal();
        }
        var type = WebhookJson.Text(body, "event")?.ToLowerInvariant() is { Length: <= MaxEventLength } name ? $"waha.{name}" : "waha.unknown";
        body.TryGetProperty("payload", out var inner);
        var eventId = IdOf(request, type, body, inner);
        var occurred = EventTime.FirstOf(request.ReceivedAt, (Time(inner), "payload.timestamp"), (Time(body), "timestamp"));
        return request.Event(eventId, type, request.Body, occurred);
    }

    // Servers from before ids are known by the message; another state of it under the same event is kept as a revision.
    private static Guid IdOf(DoorRequest request, string type, JsonElement body, JsonElement payload)
    {
        var session = WebhookJson.Text(body, "session");
        if (WebhookJson.Text(body, "id") is { } id)
            return DerivedId.Of($"waha|{request.Tenant}|{session}|{id}");
        return WebhookJson.Text(payload, "id") is { } message
            ? DerivedId.Of($"waha-message|{request.Tenant}|{session}|{type}|{message}")
            : Guid.CreateVersion7(request.ReceivedAt);
    }

    private static DateTimeOffset? Time(JsonElement element) =>
        element.ValueKind == JsonValueKind.Object && element.TryGetProperty("timestamp", out var time) ? WireTime.Read(time) : null;
}
