using System.Buffers;
using System.Security.Cryptography;
using System.Text.Json;

namespace WhatsAppMesh.Ingest;

/// <summary>
/// What a JSON text says, whatever order its members stand in and however it is spaced and escaped: the text with members sorted by name
/// (ordinal), numbers as written. Of a name that stands twice both members count, in their order.
/// </summary>
internal static class CanonicalJson
{
    /// <summary>SHA-256 of the canonical form, lower-case hexadecimal.</summary>
    /// <param name="element">Parsed, hence as deep as the parser allows and no deeper.</param>
    /// <param name="leftOut">Names that do not count at the top level.</param>
    public static string Hash(JsonElement element, IReadOnlySet<string>? leftOut = null)
    {
        var buffer = new ArrayBufferWriter<byte>(1024);
        using (var writer = new Utf8JsonWriter(buffer, new JsonWriterOptions { SkipValidation = true }))
            Write(writer, element, leftOut);
        return Convert.ToHexStringLower(SHA256.HashData(buffer.WrittenSpan));
    }

    private static void Write(Utf8JsonWriter writer, JsonElement element, IReadOnlySet<string>? leftOut)
    {
        switch (element.ValueKind)
        {
            case JsonValueKind.Object:
                writer.WriteStartObject();
                foreach (var member in element.EnumerateObject().OrderBy(static member => member.Name, StringComparer.Ordinal))
                {
                    if (leftOut?.Contains(member.Name) == true)
                        continue;
                    writer.WritePropertyName(member.Name);
                    Write(writer, member.Value, null);
                }
                writer.WriteEndObject();
                break;
            case JsonValueKind.Array:
                writer.WriteStartArray();
                foreach (var item in element.EnumerateArray())
                    Write(writer, item, null);
                writer.WriteEndArray();
                break;
            default:
                element.WriteTo(writer);
                break;
        }
    }
}
