using System.Buffers;
using System.Collections.Frozen;
using System.Text;
using System.Text.Json;

namespace WhatsAppMesh.Events;

/// <summary>
/// Takes a person out of a payload. Their ids become pseudonyms wherever they stand. In every object that names the person directly, or
/// through an object right under it (a message's <c>key</c>, a quote's <c>participant</c>, a contact), what they wrote and what they are
/// called is emptied. Everything else stays as it was sent, so that a roster is still a roster.
/// </summary>
public static class PayloadErasure
{
    // What somebody quotes or mentions beside their own words.
    private const string Quote = "contextInfo";

    private static readonly JsonDocumentOptions Options = new() { MaxDepth = CollectedEventJson.MaxPayloadDepth + 1 };

    // Properties that hold what somebody wrote, or what they are called, in anything that comes in by any door.
    private static readonly FrozenSet<string> Contents = new[]
    {
        "message", "quotedMessage", "conversation", "text", "body", "caption", "content", "contents", "pushName", "push_name", "notify", "name", "first_name",
        "last_name", "displayName", "verifiedName", "verifiedBizName", "short", "about", "imgUrl", "profilePicture", "profilePictureUrl", "label", "vcard", "media",
        "mediaUrl", "url", "attributes", "email", "address", "birthday", "contactName", "contact_name", "fromName", "reaction", "editedMessage", "data", "_data",
    }.ToFrozenSet(StringComparer.OrdinalIgnoreCase);

    /// <summary>The payload without the person; null when there is nothing of them in it, or it is no JSON.</summary>
    /// <param name="payload">JSON text.</param>
    /// <param name="person">Whom to take out.</param>
    /// <param name="isTheirs">True: the event is known to be theirs, whatever the payload says.</param>
    public static string? Erase(string payload, Person person, bool isTheirs = false)
    {
        if (!isTheirs && !person.MayBeIn(payload))
            return null;
        try
        {
            using var document = JsonDocument.Parse(payload, Options);
            var buffer = new ArrayBufferWriter<byte>(payload.Length);
            var isChanged = false;
            using (var writer = new Utf8JsonWriter(buffer, CollectedEventJson.WriterOptions))
                Write(writer, document.RootElement, person, isTheirs, ref isChanged);
            return isChanged ? Encoding.UTF8.GetString(buffer.WrittenSpan) : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private static void Write(Utf8JsonWriter writer, JsonElement value, Person person, bool isTheirs, ref bool isChanged)
    {
        switch (value.ValueKind)
        {
            case JsonValueKind.Object:
                WriteObject(writer, value, person, isTheirs, ref isChanged);
                break;
            case JsonValueKind.Array:
                writer.WriteStartArray();
                foreach (var item in value.EnumerateArray())
                    Write(writer, item, person, isTheirs, ref isChanged);
                writer.WriteEndArray();
                break;
            case JsonValueKind.String:
                writer.WriteStringValue(Replaced(value.GetString()!, person, ref isChanged));
                break;
            case JsonValueKind.Number when person.IsIn(value.GetRawText()):
                writer.WriteStringValue(Replaced(value.GetRawText(), person, ref isChanged));
                break;
            default:
                writer.WriteRawValue(value.GetRawText(), skipInputValidation: true);
                break;
        }
    }

    private static void WriteObject(Utf8JsonWriter writer, JsonElement value, Person person, bool isTheirs, ref bool isChanged)
    {
        isTheirs = isTheirs || NamesDirectly(value, person) || value.EnumerateObject().Any(property =>
            property.Value.ValueKind == JsonValueKind.Object && !property.NameEquals(Quote) && NamesDirectly(property.Value, person));
        writer.WriteStartObject();
        foreach (var property in value.EnumerateObject())
        {
            writer.WritePropertyName(Replaced(property.Name, person, ref isChanged));
            if (!isTheirs || !Contents.Contains(property.Name))
                Write(writer, property.Value, person, false, ref isChanged);
            else
                WriteEmpty(writer, property.Value, ref isChanged);
        }
        writer.WriteEndObject();
    }

    private static void WriteEmpty(Utf8JsonWriter writer, JsonElement value, ref bool isChanged)
    {
        isChanged |= value.ValueKind != JsonValueKind.Null && !(value.ValueKind == JsonValueKind.String && value.ValueEquals(""));
        if (value.ValueKind == JsonValueKind.String)
            writer.WriteStringValue("");
        else
            writer.WriteNullValue();
    }

    private static string Replaced(string text, Person person, ref bool isChanged)
    {
        var replaced = person.Replace(text);
        isChanged |= !ReferenceEquals(replaced, text);
        return replaced;
    }

    // As the value of a property: a text that mentions somebody is not theirs.
    private static bool NamesDirectly(JsonElement value, Person person) => value.EnumerateObject().Any(property => property.Value.ValueKind switch
    {
        JsonValueKind.String => IsId(property.Value.GetString()!, person),
        JsonValueKind.Number => person.IsIn(property.Value.GetRawText()),
        _ => false,
    });

    private static bool IsId(string text, Person person)
    {
        const int LongestId = 64;
        if (text.Length > LongestId || !person.IsIn(text))
            return false;
        var at = text.IndexOf('@');
        return at < 0 ? !text.Any(char.IsAsciiLetter) || person.Jids.Any(jid => jid.User.SequenceEqual(text)) : !text.AsSpan(0, at).Contains(' ');
    }
}
