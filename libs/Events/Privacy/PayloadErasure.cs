using System.Buffers;
using System.Text;
using System.Text.Json;

namespace WhatsAppMesh.Events;

/// <summary>
/// Takes a person out of a payload, by rule. Their ids become pseudonyms wherever they stand, in keys of objects, in texts of others and in JSON
/// that stands in a string as well. In every object that is theirs (<see cref="PersonObjects"/>), what they wrote and what they are called is
/// emptied, usernames everywhere. Contact cards that name them are emptied. Everything else stays as it was sent, so that a roster is still a
/// roster.
/// </summary>
public static class PayloadErasure
{
    private const int MaxJsonInText = 4;
    private const string Card = "BEGIN:VCARD";

    private static readonly JsonDocumentOptions Options = new() { MaxDepth = CollectedEventJson.MaxPayloadDepth + 1 };

    /// <summary>The payload without the person; null when there is nothing of them in it, or it is no JSON.</summary>
    /// <param name="payload">JSON text.</param>
    /// <param name="person">Whom to take out.</param>
    /// <param name="isTheirs">True: the event is known to be theirs, whatever the payload says.</param>
    public static string? Erase(string payload, Person person, bool isTheirs = false)
    {
        if (!isTheirs && !person.MayBeIn(payload))
            return null;
        return new Walk(person).Run(payload, isTheirs);
    }

    /// <summary>A plain text without the person, as the same text in a payload would be; the same text when it names somebody else.</summary>
    public static string EraseText(string text, Person person) => person.MayBeIn(text) ? new Walk(person).Text(text) : text;

    /// <summary>True when JSON text names the person.</summary>
    public static bool Names(string json, Person person) => Erase(json, person) is not null;

    /// <summary>The usernames that stand beside ids of the person in a payload.</summary>
    public static IReadOnlyCollection<string> UsernamesIn(string payload, Person person)
    {
        var walk = new Walk(person);
        walk.Run(payload, isTheirs: false);
        return walk.Usernames;
    }

    private sealed class Walk(Person person)
    {
        private bool _isChanged;
        private int _depth;

        public HashSet<string> Usernames { get; } = new(StringComparer.Ordinal);

        public string? Run(string json, bool isTheirs)
        {
            try
            {
                using var document = JsonDocument.Parse(json, Options);
                var buffer = new ArrayBufferWriter<byte>(json.Length);
                using (var writer = new Utf8JsonWriter(buffer, CollectedEventJson.WriterOptions))
                    Write(writer, document.RootElement, "", isTheirs);
                return _isChanged ? Encoding.UTF8.GetString(buffer.WrittenSpan) : null;
            }
            catch (JsonException)
            {
                return null;
            }
        }

        public string Text(string text)
        {
            if (text.Length == 0)
                return text;
            if (text.AsSpan().TrimStart().StartsWith(Card, StringComparison.OrdinalIgnoreCase) && person.IsIn(text))
                return Changed("");
            if (text.AsSpan().TrimStart() is ['{' or '[' or '"', ..] && _depth < MaxJsonInText && person.MayBeIn(text))
            {
                // Parameters of a stub are JSON in a string, and may hold some themselves.
                var outside = _isChanged;
                _depth++;
                _isChanged = false;
                var inner = Run(text, isTheirs: false);
                _depth--;
                _isChanged = outside || inner is not null;
                if (inner is not null)
                    return inner;
            }
            var replaced = person.Replace(text);
            return ReferenceEquals(replaced, text) ? text : Changed(replaced);
        }

        private void Write(Utf8JsonWriter writer, JsonElement value, string name, bool isTheirs)
        {
            switch (value.ValueKind)
            {
                case JsonValueKind.Object:
                    WriteObject(writer, value, name, isTheirs);
                    break;
                case JsonValueKind.Array:
                    writer.WriteStartArray();
                    foreach (var item in value.EnumerateArray())
                        Write(writer, item, name, isTheirs);
                    writer.WriteEndArray();
                    break;
                case JsonValueKind.String:
                    writer.WriteStringValue(Text(value.GetString()!));
                    break;
                case JsonValueKind.Number when PersonObjects.TextOf(value) is var text && person.IsIn(text):
                    writer.WriteStringValue(Changed(person.Replace(text)));
                    break;
                default:
                    writer.WriteRawValue(value.GetRawText(), skipInputValidation: true);
                    break;
            }
        }

        private void WriteObject(Utf8JsonWriter writer, JsonElement value, string name, bool isInTheirs)
        {
            var isTheirs = PersonObjects.AreTheirs(value, name, person, isInTheirs);
            writer.WriteStartObject();
            foreach (var property in value.EnumerateObject())
            {
                writer.WritePropertyName(Text(property.Name));
                if (PersonFields.IsUsername(property.Name) && property.Value.ValueKind == JsonValueKind.String)
                    WriteUsername(writer, value, property);
                else if (PersonFields.IsRelation(property.Name) && IsQuoteOf(value, property))
                    WriteEmpty(writer, property);
                else if (isTheirs && IsContent(property))
                    WriteEmptied(writer, property);
                else
                    Write(writer, property.Value, property.Name, isTheirs || PersonObjects.IsId(property.Name, person));
            }
            writer.WriteEndObject();
        }

        // A trigger's or a CRM's whole body is no text, whatever it is called.
        private bool IsContent(JsonProperty property) => PersonFields.IsContent(property.Name)
            ? !IsReaction(property) && !(property.Value.ValueKind is JsonValueKind.Object && PersonFields.IsBody(property.Name))
            : property.Value.ValueKind == JsonValueKind.String ? PersonFields.IsAbout(property.Name, property.Value.GetString()!) || PersonFields.IsEnvelope(property.Name)
            : PersonFields.IsEnvelope(property.Name) && property.Value.ValueKind is JsonValueKind.Object or JsonValueKind.Array && !PersonObjects.SpeaksOfPeople(property.Value, person);

        // Some write the reaction's own object under "text"; whose it is, its own key says.
        private static bool IsReaction(JsonProperty property) => property.Value.ValueKind == JsonValueKind.Object && property.Value.TryGetProperty("key", out _);

        private bool IsQuoteOf(JsonElement around, JsonProperty property) => PersonFields.IsContent(property.Name) && around.EnumerateObject().Any(beside =>
            beside.Value.ValueKind == JsonValueKind.String && PersonFields.Plain(beside.Name) is "quotedparticipant" or "quotedauthor" or "quotedsender"
            && beside.Value.ValueKind == JsonValueKind.String && PersonObjects.IsId(beside.Value.GetString()!, person));

        private void WriteUsername(Utf8JsonWriter writer, JsonElement around, JsonProperty property)
        {
            if (PersonObjects.HasTwin(around, property.Name, person) && Person.IsUsername(Person.Normal(property.Value.GetString()!)))
                Usernames.Add(Person.Normal(property.Value.GetString()!));
            if (PersonObjects.IsTheirUsername(around, property, person))
                WriteEmpty(writer, property);
            else
                writer.WriteStringValue(Text(property.Value.GetString()!));
        }

        private void WriteEmptied(Utf8JsonWriter writer, JsonProperty property)
        {
            if (property.Value.ValueKind == JsonValueKind.Object && GroupState.Of(property.Value) is { } state)
            {
                _isChanged |= state != property.Value.GetRawText();
                writer.WriteRawValue(state, skipInputValidation: true);
            }
            else
            {
                WriteEmpty(writer, property);
            }
        }

        // Absent, as every reader takes it. A label says by being empty that there is none; a username by being null that it was given up.
        private void WriteEmpty(Utf8JsonWriter writer, JsonProperty property)
        {
            _isChanged |= property.Value.ValueKind != JsonValueKind.Null && !(property.Value.ValueKind == JsonValueKind.String && property.Value.ValueEquals(""));
            if (property.Value.ValueKind == JsonValueKind.String && (property.NameEquals("label") || PersonFields.IsUsername(property.Name)))
                writer.WriteStringValue("");
            else
                writer.WriteNullValue();
        }

        private string Changed(string text)
        {
            _isChanged = true;
            return text;
        }
    }
}
