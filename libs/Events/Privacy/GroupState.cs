using System.Buffers;
using System.Text;
using System.Text.Json;

namespace WhatsAppMesh.Events;

/// <summary>
/// What a message says about its group and not in its sender's words: the disappearing timer that it sets, the label that it takes. It stays when
/// the message is emptied, or the group would have another state after a rebuild.
/// </summary>
internal static class GroupState
{
    private const int MaxWrappers = 5;

    private static readonly string[] Kept = ["type", "ephemeralExpiration", "ephemeralSettingTimestamp"];

    /// <summary>The message with nothing but that, as JSON; null when it says no such thing.</summary>
    public static string? Of(JsonElement message) => Find(message, MaxWrappers) is { } protocol ? Write(protocol) : null;

    private static JsonElement? Find(JsonElement message, int wrappers)
    {
        foreach (var property in message.EnumerateObject().Where(static property => property.Value.ValueKind == JsonValueKind.Object))
        {
            if (property.NameEquals("protocolMessage"))
                return property.Value;
            if (wrappers > 0 && property.Value.TryGetProperty("message", out var inner) && inner.ValueKind == JsonValueKind.Object && Find(inner, wrappers - 1) is { } found)
                return found;
        }
        return null;
    }

    private static string Write(JsonElement protocol)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(buffer, CollectedEventJson.WriterOptions))
        {
            writer.WriteStartObject();
            writer.WriteStartObject("protocolMessage"u8);
            foreach (var property in protocol.EnumerateObject().Where(static property => Kept.Contains(property.Name, StringComparer.OrdinalIgnoreCase)))
                property.WriteTo(writer);
            foreach (var property in protocol.EnumerateObject().Where(static property => property.NameEquals("memberLabel") && property.Value.ValueKind == JsonValueKind.Object))
            {
                writer.WriteStartObject(property.Name);
                writer.WriteString("label"u8, "");
                foreach (var time in property.Value.EnumerateObject().Where(static inner => inner.NameEquals("labelTimestamp")))
                    time.WriteTo(writer);
                writer.WriteEndObject();
            }
            writer.WriteEndObject();
            writer.WriteEndObject();
        }
        return Encoding.UTF8.GetString(buffer.WrittenSpan);
    }
}
