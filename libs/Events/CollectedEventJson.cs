using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using Google.Protobuf.WellKnownTypes;
using WhatsAppMesh.Events.V1;

namespace WhatsAppMesh.Events;

/// <summary>
/// Writes and reads <see cref="CollectedEvent"/> as proto JSON straight over UTF-8 bytes: the data of the topic <c>whatsapp.events</c>.
/// The same JSON value as Google.Protobuf's JsonFormatter gives, at a fraction of its cost.
/// </summary>
public static class CollectedEventJson
{
    /// <summary>
    /// Deepest nesting of a payload that the lake accepts. A consumer that parses payloads sets its reader's MaxDepth to this (the default
    /// of System.Text.Json is 64) and need not fear deeper ones.
    /// </summary>
    public const int MaxPayloadDepth = 256;

    /// <summary>Relaxed escaping: the default encoder turns each quote of the payload into six bytes.</summary>
    public static readonly JsonWriterOptions WriterOptions = new()
    {
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        SkipValidation = true,
    };

    /// <summary>Writes an event as one JSON object; fields with default values are left out, as proto JSON has it.</summary>
    public static void Write(Utf8JsonWriter writer, CollectedEvent value)
    {
        WriteHead(writer, value);
        if (value.PayloadJson.Length > 0)
            writer.WriteString("payloadJson"u8, value.PayloadJson);
        WriteTail(writer, value);
    }

    /// <summary>The same, with the payload from UTF-8 bytes in place of <see cref="CollectedEvent.PayloadJson"/>.</summary>
    public static void Write(Utf8JsonWriter writer, CollectedEvent value, ReadOnlySpan<byte> payload)
    {
        WriteHead(writer, value);
        if (payload.Length > 0)
            writer.WriteString("payloadJson"u8, payload);
        WriteTail(writer, value);
    }

    /// <summary>
    /// Reads one event; takes what a sidecar may make of it: any order, 64-bit integers as string or number, nulls, unknown fields.
    /// </summary>
    /// <exception cref="JsonException">Not one JSON object, or a known field holds a value of a wrong kind.</exception>
    public static CollectedEvent Parse(ReadOnlySpan<byte> utf8)
    {
        var reader = new Utf8JsonReader(utf8);
        if (!reader.Read())
            throw new JsonException("Expected a JSON object, found nothing.");
        var value = Read(ref reader);
        if (reader.Read())
            throw new JsonException("Expected one JSON object, found more text after it.");
        return value;
    }

    /// <summary>Reads the object at whose start <paramref name="reader"/> stands, and leaves the reader at its end.</summary>
    /// <exception cref="JsonException">Not a JSON object, or a known field holds a value of a wrong kind.</exception>
    public static CollectedEvent Read(ref Utf8JsonReader reader)
    {
        if (reader.TokenType != JsonTokenType.StartObject)
            throw new JsonException($"Expected a JSON object, found {reader.TokenType}.");
        var value = new CollectedEvent();
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var field = FieldOf(ref reader);
            reader.Read();
            if (field == 0)
                reader.Skip();
            else if (reader.TokenType != JsonTokenType.Null)
                ReadField(ref reader, field, value);
        }
        return value;
    }

    private static void WriteHead(Utf8JsonWriter writer, CollectedEvent value)
    {
        writer.WriteStartObject();
        if (value.Log != 0)
            writer.WriteNumber("log"u8, value.Log);
        if (value.Position != 0)
            WriteInt64(writer, "position"u8, value.Position);
        WriteText(writer, "tenant"u8, value.Tenant);
        WriteText(writer, "source"u8, value.Source);
        WriteText(writer, "eventId"u8, value.EventId);
        if (value.Revision != 0)
            writer.WriteNumber("revision"u8, value.Revision);
        WriteText(writer, "type"u8, value.Type);
        WriteText(writer, "chatJid"u8, value.ChatJid);
        WriteText(writer, "participantJid"u8, value.ParticipantJid);
        WriteText(writer, "participantAlt"u8, value.ParticipantAlt);
        WriteTime(writer, "occurredAt"u8, value.OccurredAt);
        WriteText(writer, "occurredAtSource"u8, value.OccurredAtSource);
        WriteTime(writer, "receivedAt"u8, value.ReceivedAt);
    }

    private static void WriteTail(Utf8JsonWriter writer, CollectedEvent value)
    {
        if (value.PayloadInLake)
            writer.WriteBoolean("payloadInLake"u8, true);
        if (value.Imported)
            writer.WriteBoolean("imported"u8, true);
        if (value.Minimised)
            writer.WriteBoolean("minimised"u8, true);
        writer.WriteEndObject();
    }

    private static void WriteText(Utf8JsonWriter writer, ReadOnlySpan<byte> name, string text)
    {
        if (text.Length > 0)
            writer.WriteString(name, text);
    }

    private static void WriteInt64(Utf8JsonWriter writer, ReadOnlySpan<byte> name, long number)
    {
        Span<byte> digits = stackalloc byte[20];
        number.TryFormat(digits, out var length, default, CultureInfo.InvariantCulture);
        writer.WriteString(name, digits[..length]);
    }

    // RFC 3339 with 0, 3, 6 or 9 fractional digits, whichever is enough (proto JSON's rule for Timestamp).
    private static void WriteTime(Utf8JsonWriter writer, ReadOnlySpan<byte> name, Timestamp? time)
    {
        if (time is null)
            return;
        Span<byte> text = stackalloc byte[32];
        DateTimeOffset.FromUnixTimeSeconds(time.Seconds).TryFormat(text, out var length, "yyyy-MM-ddTHH:mm:ss", CultureInfo.InvariantCulture);
        if (time.Nanos != 0)
        {
            text[length++] = (byte)'.';
            time.Nanos.TryFormat(text[length..], out _, "D9", CultureInfo.InvariantCulture);
            length += time.Nanos % 1_000_000 == 0 ? 3 : time.Nanos % 1_000 == 0 ? 6 : 9;
        }
        text[length++] = (byte)'Z';
        writer.WriteString(name, text[..length]);
    }

    // Proto JSON readers take the JSON name and the name of the proto file alike. 0 = unknown.
    private static int FieldOf(ref Utf8JsonReader reader)
    {
        if (reader.ValueTextEquals("log"u8)) return CollectedEvent.LogFieldNumber;
        if (reader.ValueTextEquals("position"u8)) return CollectedEvent.PositionFieldNumber;
        if (reader.ValueTextEquals("tenant"u8)) return CollectedEvent.TenantFieldNumber;
        if (reader.ValueTextEquals("source"u8)) return CollectedEvent.SourceFieldNumber;
        if (Named(ref reader, "eventId"u8, "event_id"u8)) return CollectedEvent.EventIdFieldNumber;
        if (reader.ValueTextEquals("revision"u8)) return CollectedEvent.RevisionFieldNumber;
        if (reader.ValueTextEquals("type"u8)) return CollectedEvent.TypeFieldNumber;
        if (Named(ref reader, "chatJid"u8, "chat_jid"u8)) return CollectedEvent.ChatJidFieldNumber;
        if (Named(ref reader, "participantJid"u8, "participant_jid"u8)) return CollectedEvent.ParticipantJidFieldNumber;
        if (Named(ref reader, "participantAlt"u8, "participant_alt"u8)) return CollectedEvent.ParticipantAltFieldNumber;
        if (Named(ref reader, "occurredAt"u8, "occurred_at"u8)) return CollectedEvent.OccurredAtFieldNumber;
        if (Named(ref reader, "occurredAtSource"u8, "occurred_at_source"u8)) return CollectedEvent.OccurredAtSourceFieldNumber;
        if (Named(ref reader, "receivedAt"u8, "received_at"u8)) return CollectedEvent.ReceivedAtFieldNumber;
        if (Named(ref reader, "payloadJson"u8, "payload_json"u8)) return CollectedEvent.PayloadJsonFieldNumber;
        if (Named(ref reader, "payloadInLake"u8, "payload_in_lake"u8)) return CollectedEvent.PayloadInLakeFieldNumber;
        if (reader.ValueTextEquals("imported"u8)) return CollectedEvent.ImportedFieldNumber;
        return reader.ValueTextEquals("minimised"u8) ? CollectedEvent.MinimisedFieldNumber : 0;
    }

    private static bool Named(ref Utf8JsonReader reader, ReadOnlySpan<byte> jsonName, ReadOnlySpan<byte> protoName) =>
        reader.ValueTextEquals(jsonName) || reader.ValueTextEquals(protoName);

    private static void ReadField(ref Utf8JsonReader reader, int field, CollectedEvent value)
    {
        switch (field)
        {
            case CollectedEvent.LogFieldNumber: value.Log = ReadInt32(ref reader, field); break;
            case CollectedEvent.PositionFieldNumber: value.Position = ReadInt64(ref reader, field); break;
            case CollectedEvent.TenantFieldNumber: value.Tenant = ReadText(ref reader, field); break;
            case CollectedEvent.SourceFieldNumber: value.Source = ReadText(ref reader, field); break;
            case CollectedEvent.EventIdFieldNumber: value.EventId = ReadText(ref reader, field); break;
            case CollectedEvent.RevisionFieldNumber: value.Revision = ReadInt32(ref reader, field); break;
            case CollectedEvent.TypeFieldNumber: value.Type = ReadText(ref reader, field); break;
            case CollectedEvent.ChatJidFieldNumber: value.ChatJid = ReadText(ref reader, field); break;
            case CollectedEvent.ParticipantJidFieldNumber: value.ParticipantJid = ReadText(ref reader, field); break;
            case CollectedEvent.ParticipantAltFieldNumber: value.ParticipantAlt = ReadText(ref reader, field); break;
            case CollectedEvent.OccurredAtFieldNumber: value.OccurredAt = ReadTime(ref reader, field); break;
            case CollectedEvent.OccurredAtSourceFieldNumber: value.OccurredAtSource = ReadText(ref reader, field); break;
            case CollectedEvent.ReceivedAtFieldNumber: value.ReceivedAt = ReadTime(ref reader, field); break;
            case CollectedEvent.PayloadJsonFieldNumber: value.PayloadJson = ReadText(ref reader, field); break;
            case CollectedEvent.PayloadInLakeFieldNumber: value.PayloadInLake = ReadFlag(ref reader, field); break;
            case CollectedEvent.ImportedFieldNumber: value.Imported = ReadFlag(ref reader, field); break;
            case CollectedEvent.MinimisedFieldNumber: value.Minimised = ReadFlag(ref reader, field); break;
        }
    }

    private static string ReadText(ref Utf8JsonReader reader, int field) =>
        reader.TokenType == JsonTokenType.String ? reader.GetString()! : throw Wrong(field, "a string");

    private static long ReadInt64(ref Utf8JsonReader reader, int field) =>
        reader.TokenType is JsonTokenType.Number or JsonTokenType.String && WireNumber.Read(ref reader) is { } number
            ? number
            : throw Wrong(field, "a 64-bit integer");

    private static int ReadInt32(ref Utf8JsonReader reader, int field) =>
        ReadInt64(ref reader, field) is >= int.MinValue and <= int.MaxValue and var number ? (int)number : throw Wrong(field, "a 32-bit integer");

    private static bool ReadFlag(ref Utf8JsonReader reader, int field) => reader.TokenType switch
    {
        JsonTokenType.True => true,
        JsonTokenType.False => false,
        _ => throw Wrong(field, "true or false"),
    };

    private static Timestamp ReadTime(ref Utf8JsonReader reader, int field)
    {
        if (reader.TokenType == JsonTokenType.String
            && DateTimeOffset.TryParse(reader.GetString(), CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var time))
        {
            return Timestamp.FromDateTimeOffset(time);
        }
        throw Wrong(field, "an RFC 3339 time");
    }

    // The field's number tells enough; the value itself may be personal data.
    private static JsonException Wrong(int field, string expected) =>
        new($"Field {CollectedEvent.Descriptor.FindFieldByNumber(field).JsonName} must be {expected}.");
}
