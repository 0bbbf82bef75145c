using System.Text.Json;
using WhatsAppMesh.Events;

namespace WhatsAppMesh.Ingest;

/// <summary>What a collector's body says, field by field; only meaningful when no error was found.</summary>
internal readonly record struct CollectorBody
{
    public string Type { get; init; }

    public string? ChatJid { get; init; }

    public string? ParticipantJid { get; init; }

    public string? ParticipantAlt { get; init; }

    public DateTimeOffset? OccurredAt { get; init; }

    public string? OccurredAtSource { get; init; }

    public ReadOnlyMemory<byte> Payload { get; init; }
}

/// <summary>The two generations of the collector's body.</summary>
internal enum CollectorContract
{
    /// <summary>{type, group_jid?, participant_jid?, participant_alt?, occurred_at, occurred_at_source?, payload}</summary>
    V1,

    /// <summary>{type, chat_jid?, payload}</summary>
    V2,
}

/// <summary>
/// Reads collectors' bodies in one pass over bytes. Unknown fields are ignored; a known field that stands twice is refused, because two
/// readers could take different ones; the payload is a slice of the body, nowhere re-written.
/// </summary>
internal static class EventReader
{
    /// <summary>Levels of nesting accepted in a body: one more than a payload may have.</summary>
    public const int MaxDepth = CollectedEventJson.MaxPayloadDepth + 1;

    /// <summary>Options of every reader that meets a payload.</summary>
    public static readonly JsonReaderOptions JsonOptions = new() { MaxDepth = MaxDepth };

    /// <summary>Most characters of an event type.</summary>
    public const int MaxTypeLength = 100;

    private const int MaxSourceLength = 100;

    private enum Field
    {
        Unknown = -1,
        Type,
        ChatJid,
        ParticipantJid,
        ParticipantAlt,
        OccurredAt,
        OccurredAtSource,
        Payload,
    }

    private static readonly string[] Names =
        ["type", "chat_jid", "participant_jid", "participant_alt", "occurred_at", "occurred_at_source", "payload"];

    /// <summary>Reads a sanitised body; what is wrong with it goes to <paramref name="errors"/>, all of it.</summary>
    public static CollectorBody Read(ReadOnlyMemory<byte> body, CollectorContract contract, FieldErrors errors)
    {
        var reader = new Utf8JsonReader(body.Span, JsonOptions);
        try
        {
            return ReadObject(ref reader, body, contract, errors);
        }
        catch (JsonException)
        {
            errors.Add("body", Describe(in reader));
            return default;
        }
    }

    /// <summary>Why a body is no JSON, without a word of the body.</summary>
    // The reader stops on the last level it may enter, and counts that level only once it has left its first token.
    private static string Describe(in Utf8JsonReader reader) => reader.CurrentDepth >= MaxDepth - 1
        ? $"is nested deeper than {MaxDepth} levels"
        : $"is not valid JSON (near byte {reader.BytesConsumed})";

    private static CollectorBody ReadObject(ref Utf8JsonReader reader, ReadOnlyMemory<byte> body, CollectorContract contract, FieldErrors errors)
    {
        var result = new CollectorBody();
        if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject)
        {
            errors.Add("body", "must be a JSON object");
            return result;
        }
        var present = 0;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var field = FieldOf(ref reader, contract);
            reader.Read();
            if (field == Field.Unknown)
            {
                reader.Skip();
                continue;
            }
            if ((present & (1 << (int)field)) != 0)
                errors.Add(NameOf(field, contract), "stands more than once");
            present |= 1 << (int)field;
            result = ReadField(ref reader, field, result, body, contract, errors);
        }
        // The reader refuses text after the object only when asked for it.
        reader.Read();
        RequirePresent(present, contract, errors);
        return result;
    }

    private static Field FieldOf(ref Utf8JsonReader reader, CollectorContract contract)
    {
        if (reader.ValueTextEquals("payload"u8)) return Field.Payload;
        if (reader.ValueTextEquals("type"u8)) return Field.Type;
        if (reader.ValueTextEquals("occurred_at"u8)) return Field.OccurredAt;
        if (contract == CollectorContract.V2)
            return reader.ValueTextEquals("chat_jid"u8) ? Field.ChatJid : Field.Unknown;
        if (reader.ValueTextEquals("group_jid"u8)) return Field.ChatJid;
        if (reader.ValueTextEquals("participant_jid"u8)) return Field.ParticipantJid;
        if (reader.ValueTextEquals("participant_alt"u8)) return Field.ParticipantAlt;
        return reader.ValueTextEquals("occurred_at_source"u8) ? Field.OccurredAtSource : Field.Unknown;
    }

    private static CollectorBody ReadField(
        ref Utf8JsonReader reader, Field field, CollectorBody body, ReadOnlyMemory<byte> bytes, CollectorContract contract, FieldErrors errors)
    {
        switch (field)
        {
            case Field.Type: return body with { Type = ReadType(ref reader, errors) };
            case Field.ChatJid: return body with { ChatJid = ReadText(ref reader, NameOf(field, contract), Jid.MaxLength, errors) };
            case Field.ParticipantJid: return body with { ParticipantJid = ReadText(ref reader, NameOf(field, contract), Jid.MaxLength, errors) };
            case Field.ParticipantAlt: return body with { ParticipantAlt = ReadText(ref reader, NameOf(field, contract), Jid.MaxLength, errors) };
            case Field.OccurredAt: return body with { OccurredAt = ReadTime(ref reader, contract, errors) };
            case Field.OccurredAtSource: return body with { OccurredAtSource = ReadText(ref reader, NameOf(field, contract), MaxSourceLength, errors) };
            default: return body with { Payload = ReadPayload(ref reader, bytes, errors) };
        }
    }

    private static string ReadType(ref Utf8JsonReader reader, FieldErrors errors)
    {
        if (reader.TokenType != JsonTokenType.String)
        {
            reader.Skip();
            errors.Add("type", "must be a string");
            return "";
        }
        var type = EventTypes.Read(ref reader);
        if (CharactersIn(type) is 0 or > MaxTypeLength)
            errors.Add("type", $"must have 1 to {MaxTypeLength} characters");
        return type;
    }

    private static string? ReadText(ref Utf8JsonReader reader, string field, int maxLength, FieldErrors errors)
    {
        if (reader.TokenType == JsonTokenType.Null)
            return null;
        if (reader.TokenType != JsonTokenType.String)
        {
            reader.Skip();
            errors.Add(field, "must be a string");
            return null;
        }
        var text = reader.GetString()!;
        if (CharactersIn(text) > maxLength)
            errors.Add(field, $"must have at most {maxLength} characters");
        return text.Length == 0 ? null : text;
    }

    private static DateTimeOffset? ReadTime(ref Utf8JsonReader reader, CollectorContract contract, FieldErrors errors)
    {
        var time = WireTime.Read(ref reader);
        // v2 has no such field; a collector that sends it anyway is believed when it makes sense.
        if (time is null && contract == CollectorContract.V1)
            errors.Add("occurred_at", "must be an ISO 8601 time, or epoch seconds or milliseconds");
        return time;
    }

    private static ReadOnlyMemory<byte> ReadPayload(ref Utf8JsonReader reader, ReadOnlyMemory<byte> body, FieldErrors errors)
    {
        if (reader.TokenType is not (JsonTokenType.StartObject or JsonTokenType.StartArray))
            errors.Add("payload", "must be an object or an array");
        var start = (int)reader.TokenStartIndex;
        reader.Skip();
        return body[start..(int)reader.BytesConsumed];
    }

    private static void RequirePresent(int present, CollectorContract contract, FieldErrors errors)
    {
        Span<Field> required = [Field.Type, Field.Payload, Field.OccurredAt];
        foreach (var field in contract == CollectorContract.V1 ? required : required[..2])
        {
            if ((present & (1 << (int)field)) == 0)
                errors.Add(NameOf(field, contract), "is required");
        }
    }

    private static string NameOf(Field field, CollectorContract contract) =>
        field == Field.ChatJid && contract == CollectorContract.V1 ? "group_jid" : Names[(int)field];

    /// <summary>Characters as a person counts them: code points, not UTF-16 units.</summary>
    internal static int CharactersIn(string text)
    {
        var surrogatePairs = 0;
        foreach (var unit in text)
        {
            if (char.IsLowSurrogate(unit))
                surrogatePairs++;
        }
        return text.Length - surrogatePairs;
    }
}
