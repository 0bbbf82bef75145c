using System.Text.Json;

namespace WhatsAppMesh.Ingest;

/// <summary>
/// Decides what names a trigger's event, so that a retry is the same one (ADR 0031). In this order: the header <c>Idempotency-Key</c>; the
/// delivery id of the sender's scheme; <c>idempotency_key</c>; the id of what the post is about together with its status.
/// </summary>
/// <param name="Text">The name.</param>
/// <param name="IsDelivery">True when the sender's scheme says that the name means one delivery, whatever bytes it comes in.</param>
internal readonly record struct TriggerKey(string Text, bool IsDelivery)
{
    /// <summary>The name of a post; null when nothing names it, and then it is never a duplicate.</summary>
    /// <param name="idempotencyKey">The header; null when absent.</param>
    /// <param name="names">What the sender's scheme or the trigger's configuration names.</param>
    /// <param name="body">The body.</param>
    public static TriggerKey? Of(string? idempotencyKey, DeliveryNames names, JsonElement body)
    {
        if (idempotencyKey is not null)
            return new TriggerKey(idempotencyKey, IsDelivery: false);
        if ((names.Id ?? TextAt(body, names.Field)) is { } delivery)
            return new TriggerKey(delivery, IsDelivery: true);

        // Senders put the key in different places; some nest the whole message under "data".
        var data = ObjectAt(body, "data");
        var key = WebhookJson.Text(body, "idempotency_key") ?? EntityKey(names, body, data) ?? WebhookJson.Text(data, "idempotency_key");
        return key is null ? null : new TriggerKey(key, IsDelivery: false);
    }

    // "sent", "delivered" and "read" are three events about one message, each with its own retries.
    private static string? EntityKey(DeliveryNames names, JsonElement body, JsonElement data)
    {
        if (names.EntityField is { } path)
        {
            var end = path.LastIndexOf('.');
            var holder = end < 0 ? body : ObjectAt(body, path[..end]);
            return TextAt(body, path) is { } configured ? WithStatus(configured, names.StatusField, holder, body) : null;
        }

        if (WebhookJson.Text(body, "messageId") is { } id)
            return WithStatus(id, names.StatusField, body, body, data);
        return WebhookJson.Text(data, "messageId") is { } nested ? WithStatus(nested, names.StatusField, data, body, body) : null;
    }

    private static string WithStatus(string id, string? statusField, JsonElement beside, JsonElement body, JsonElement elsewhere = default)
    {
        var status = statusField switch
        {
            DeliveryNames.NoStatus => null,
            null => WebhookJson.Text(beside, "status") ?? WebhookJson.Text(elsewhere, "status")
                ?? WebhookJson.Text(beside, "event") ?? WebhookJson.Text(elsewhere, "event"),
            _ => TextAt(body, statusField),
        };
        return status is null ? id : $"{id}|{status}";
    }

    private static string? TextAt(JsonElement body, string? path)
    {
        if (path is null)
            return null;
        var end = path.LastIndexOf('.');
        return WebhookJson.Text(end < 0 ? body : ObjectAt(body, path[..end]), path[(end + 1)..]);
    }

    private static JsonElement ObjectAt(JsonElement element, string path)
    {
        foreach (var name in path.Split('.'))
        {
            if (element.ValueKind != JsonValueKind.Object || !element.TryGetProperty(name, out element))
                return default;
        }

        return element;
    }
}
