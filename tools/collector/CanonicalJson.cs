using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace WhatsAppMesh.Collector;

/// <summary>
/// The form of a payload that the collector hashes: object keys sorted, arrays whose items all have an <c>id</c> sorted by it, written as
/// JavaScript's <c>JSON.stringify</c> writes it. One roster in another order is the same roster.
/// </summary>
public static class CanonicalJson
{
    /// <summary>SHA-1 of the canonical form, as lower-case hex.</summary>
    public static string Hash(JsonElement value) => Convert.ToHexStringLower(SHA1.HashData(Encoding.UTF8.GetBytes(Write(value))));

    /// <summary>The canonical form itself.</summary>
    public static string Write(JsonElement value)
    {
        var text = new StringBuilder();
        Append(text, value);
        return text.ToString();
    }

    private static void Append(StringBuilder text, JsonElement value)
    {
        switch (value.ValueKind)
        {
            case JsonValueKind.Object:
                AppendJoined(text, '{', '}', value.EnumerateObject().OrderBy(p => p.Name, StringComparer.Ordinal), property =>
                {
                    AppendString(text, property.Name);
                    text.Append(':');
                    Append(text, property.Value);
                });
                break;
            case JsonValueKind.Array:
                AppendJoined(text, '[', ']', InOrder([.. value.EnumerateArray()]), item => Append(text, item));
                break;
            case JsonValueKind.String:
                AppendString(text, value.GetString()!);
                break;
            case JsonValueKind.Number:
                AppendNumber(text, value);
                break;
            default:
                text.Append(value.GetRawText());
                break;
        }
    }

    private static IEnumerable<JsonElement> InOrder(JsonElement[] items) =>
        Array.TrueForAll(items, HasId) ? items.OrderBy(i => i.GetProperty("id").ToString(), StringComparer.Ordinal) : items;

    private static bool HasId(JsonElement item) => item.ValueKind == JsonValueKind.Object && item.TryGetProperty("id", out _);

    private static void AppendJoined<T>(StringBuilder text, char open, char close, IEnumerable<T> items, Action<T> append)
    {
        text.Append(open);
        var first = true;
        foreach (var item in items)
        {
            if (!first)
                text.Append(',');
            first = false;
            append(item);
        }
        text.Append(close);
    }

    // JavaScript knows only doubles; whole numbers are the only ones that payloads hold, and those print alike.
    private static void AppendNumber(StringBuilder text, JsonElement value)
    {
        if (value.TryGetInt64(out var whole))
            text.Append(CultureInfo.InvariantCulture, $"{whole}");
        else
            text.Append(value.GetDouble().ToString("R", CultureInfo.InvariantCulture));
    }

    private static void AppendString(StringBuilder text, string value)
    {
        text.Append('"');
        foreach (var c in value)
        {
            _ = c switch
            {
                '"' => text.Append("\\\""),
                '\\' => text.Append("\\\\"),
                '\b' => text.Append("\\b"),
                '\f' => text.Append("\\f"),
                '\n' => text.Append("\\n"),
                '\r' => text.Append("\\r"),
                '\t' => text.Append("\\t"),
                < ' ' => text.Append(CultureInfo.InvariantCulture, $"\\u{(int)c:x4}"),
                _ => text.Append(c),
            };
        }
        text.Append('"');
    }
}
