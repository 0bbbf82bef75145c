using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text.Json;

namespace WhatsAppMesh.Ingest;

/// <summary>
/// Names a broker's item that has no id of its own by the messages in it: the instance, and <c>key.remoteJid</c> with <c>key.id</c> of each
/// message, in whatever order. Messages stand under <c>payload</c>, <c>data</c> or <c>message</c>, alone or in <c>messages</c>, as objects or
/// as JSON inside a text (<c>raw</c>, <c>raw_json</c>, <c>rawJson</c>). A message without an id is known by its bytes and its time; without a
/// time, too, nothing tells a retry from somebody who says the same again.
/// </summary>
internal static class BrokerMessages
{
    // Members that may lead to messages, from the envelope inwards. What is inside a message is not looked at: it may quote other keys.
    private static readonly string[] Containers = ["payload", "data", "raw", "raw_json", "rawJson", "messages", "message", "body"];

    private const int MaxDepth = 8;

    private static readonly JsonDocumentOptions TextOptions = new() { MaxDepth = EventReader.MaxDepth };

    /// <summary>The name; null when no message in the item has one.</summary>
    public static string? NameOf(JsonElement item)
    {
        var keys = new SortedSet<string>(StringComparer.Ordinal);
        Collect(item, keys, MaxDepth, time: null);
        if (keys.Count == 0 && NormalisedKey(item) is { } normalised)
            keys.Add(normalised);
        return keys.Count == 0 ? null : $"{InstanceOf(item)}|{string.Join('\n', keys)}";
    }

    private static void Collect(JsonElement element, SortedSet<string> keys, int depth, string? time)
    {
        if (depth == 0)
            return;
        switch (element.ValueKind)
        {
            case JsonValueKind.Array:
                foreach (var one in element.EnumerateArray())
                    Collect(one, keys, depth - 1, time);
                break;
            case JsonValueKind.String when JsonIn(element) is { } document:
                using (document)
                    Collect(document.RootElement, keys, depth - 1, time);
                break;
            case JsonValueKind.Object when Member(element, "key").ValueKind == JsonValueKind.Object:
                if (KeyOf(element, TimeOf(element) ?? time) is { } key)
                    keys.Add(key);
                break;
            case JsonValueKind.Object:
                foreach (var name in Containers)
                    Collect(Member(element, name), keys, depth - 1, TimeOf(element) ?? time);
                break;
        }
    }

    private static string? KeyOf(JsonElement message, string? time)
    {
        var key = Member(message, "key");
        if (WebhookJson.Text(key, "remoteJid") is not { } chat)
            return null;
        if (WebhookJson.Text(key, "id") is { } id)
            return $"{chat}|{id}";
        return time is null ? null : $"{chat}|{time}|{Convert.ToHexStringLower(SHA256.HashData(JsonMarshal.GetRawUtf8Value(message)))}";
    }

    private static string? TimeOf(JsonElement element)
    {
        foreach (var name in (ReadOnlySpan<string>)["messageTimestamp", "timestamp"])
        {
            if (Member(element, name) is { ValueKind: JsonValueKind.Number or JsonValueKind.String or JsonValueKind.Object } time)
                return time.GetRawText();
        }

        return null;
    }

    private static JsonDocument? JsonIn(JsonElement text)
    {
        var json = text.GetString()!;
        if (json.AsSpan().TrimStart() is not ['{' or '[', ..])
            return null;
        try
        {
            return JsonDocument.Parse(json, TextOptions);
        }
        catch (JsonException)
        {
            return null;
        }
    }

    // An envelope that the broker has normalised: {contact, message}, without the key.
    private static string? NormalisedKey(JsonElement item) =>
        WebhookJson.Text(Member(Member(item, "payload"), "message"), "id") is { } id
            ? $"{WebhookJson.Text(Member(Member(item, "payload"), "contact"), "phone")}|{id}"
            : null;

    private static string? InstanceOf(JsonElement item)
    {
        var payload = Member(item, "payload");
        return WebhookJson.Text(payload, "instanceId") ?? WebhookJson.Text(item, "instanceId") ?? WebhookJson.Text(item, "iid")
            ?? WebhookJson.Text(item, "instance") ?? WebhookJson.Text(payload, "sessionId") ?? WebhookJson.Text(item, "sessionId");
    }

    private static JsonElement Member(JsonElement element, string name) =>
        element.ValueKind == JsonValueKind.Object && element.TryGetProperty(name, out var member) ? member : default;
}
