using System.Text.Json;
using WhatsAppMesh.Events;

namespace WhatsAppMesh.Membership.Events;

/// <summary>Tolerant reads of a payload's fields: what is missing or of a wrong kind is nothing, and never an exception.</summary>
public static class Wire
{
    /// <summary>A field that is there and not null.</summary>
    public static bool TryField(JsonElement item, string name, out JsonElement value)
    {
        value = default;
        return item.ValueKind == JsonValueKind.Object && item.TryGetProperty(name, out value) && value.ValueKind != JsonValueKind.Null;
    }

    /// <summary>A text field; null when it is no text.</summary>
    public static string? Text(JsonElement item, string name) => TryField(item, name, out var value) ? Text(value) : null;

    /// <summary>A text; null when the value is none, or holds what is no Unicode text (a lone surrogate).</summary>
    public static string? Text(JsonElement value)
    {
        if (value.ValueKind != JsonValueKind.String)
            return null;
        try
        {
            // PostgreSQL cannot hold NUL.
            var text = value.GetString()!;
            return text.Contains('\0') ? text.Replace("\0", "", StringComparison.Ordinal) : text;
        }
        catch (InvalidOperationException)
        {
            return null;
        }
    }

    /// <summary>A JID field in normal form; empty when there is none. whatsapp-web.js writes an object around the text.</summary>
    public static Jid Jid(JsonElement item, string name) => !TryField(item, name, out var value)
        ? WhatsAppMesh.Events.Jid.Empty
        : WhatsAppMesh.Events.Jid.Parse(value.ValueKind == JsonValueKind.Object ? Text(value, "_serialized") : Text(value));

    /// <summary>A time field, in any form the wire knows.</summary>
    public static DateTimeOffset? Time(JsonElement item, string name) => TryField(item, name, out var value) ? WireTime.Read(value) : null;

    /// <summary>A number field, in any form the wire knows.</summary>
    public static long? Number(JsonElement item, string name) => TryField(item, name, out var value) ? WireNumber.Read(value) : null;

    /// <summary>A yes/no field; null when it is neither.</summary>
    public static bool? Flag(JsonElement item, string name) => TryField(item, name, out var value)
        ? value.ValueKind switch { JsonValueKind.True => true, JsonValueKind.False => false, _ => null }
        : null;

    /// <summary>The first usable of some time fields.</summary>
    public static DateTimeOffset? FirstTime(JsonElement item, params ReadOnlySpan<string> names)
    {
        foreach (var name in names)
        {
            if (Time(item, name) is { } time)
                return time;
        }
        return null;
    }

    /// <summary>The objects of a list inside an object; none when there is no list.</summary>
    public static IEnumerable<JsonElement> Rows(JsonElement item, string name) =>
        TryField(item, name, out var list) && list.ValueKind == JsonValueKind.Array
            ? list.EnumerateArray().Where(static row => row.ValueKind == JsonValueKind.Object)
            : [];

    /// <summary>An object inside an object.</summary>
    public static bool TryObject(JsonElement item, string name, out JsonElement value) =>
        TryField(item, name, out value) && value.ValueKind == JsonValueKind.Object;
}
