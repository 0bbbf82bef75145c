using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;
using WhatsAppMesh.Events;

namespace WhatsAppMesh.Ingest;

/// <summary>What the webhook doors share: parsing, small look-ups, and wrapping a body that must stay byte for byte.</summary>
internal static class WebhookJson
{
    /// <summary>Options of whatever parses a body. Doors may wrap it, which adds a level.</summary>
    internal static readonly JsonDocumentOptions Options = new() { MaxDepth = CollectedEventJson.MaxPayloadDepth - 1 };

    /// <summary>Parses a body; null when it is no JSON, with the reason in <paramref name="errors"/>.</summary>
    public static JsonDocument? Parse(ReadOnlyMemory<byte> body, FieldErrors errors)
    {
        try
        {
            return JsonDocument.Parse(body, Options);
        }
        catch (JsonException exception)
        {
            errors.Add("body", $"is not valid JSON of at most {Options.MaxDepth} levels (line {exception.LineNumber + 1})");
            return null;
        }
    }

    /// <summary>A member's text when it is a non-blank string or a number; else null.</summary>
    public static string? Text(JsonElement element, string name)
    {
        if (element.ValueKind != JsonValueKind.Object || !element.TryGetProperty(name, out var value))
            return null;
        var text = value.ValueKind switch
        {
            JsonValueKind.String => value.GetString(),
            JsonValueKind.Number => value.GetRawText(),
            _ => null,
        };
        return string.IsNullOrWhiteSpace(text) ? null : text.Trim();
    }

    /// <summary>{"NAME":"ID","body":BODY}: the path's id beside the body exactly as it was sent.</summary>
    public static byte[] Wrap(ReadOnlySpan<byte> name, string id, ReadOnlySpan<byte> body)
    {
        var buffer = new ArrayBufferWriter<byte>(body.Length + 128);
        using (var writer = new Utf8JsonWriter(buffer, new JsonWriterOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
        {
            writer.WriteStartObject();
            writer.WriteString(name, id);
            writer.WritePropertyName("body"u8);
            writer.WriteRawValue(body, skipInputValidation: true);
            writer.WriteEndObject();
        }
        return buffer.WrittenSpan.ToArray();
    }
}
