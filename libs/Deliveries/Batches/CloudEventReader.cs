using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using WhatsAppMesh.Events;
using WhatsAppMesh.Events.V1;

namespace WhatsAppMesh.Deliveries;

/// <summary>
/// Reads what a sidecar posts: a bulk of envelopes or a single one, straight over the body's bytes. An envelope that does not hold an event
/// becomes an unreadable delivery; only a body that is not JSON at all is an error of the whole request.
/// </summary>
internal static class CloudEventReader
{
    private static readonly Failure NoEvent = Unreadable("The envelope holds no event: its data is missing or not a JSON object.");
    private static readonly Failure NoPlace = Unreadable("The event does not say its log, position, tenant and type.");

    /// <summary>Reads a delivery body.</summary>
    /// <param name="body">UTF-8 JSON.</param>
    /// <param name="keepEnvelopes">True to keep each envelope's text, for what is to be stored.</param>
    /// <param name="isBulk">True when the body is <c>{"entries":[...]}</c> and the answer has to name entries.</param>
    /// <exception cref="JsonException">The body is not JSON, or neither a bulk nor an envelope.</exception>
    public static List<Delivery> Read(ReadOnlySpan<byte> body, bool keepEnvelopes, out bool isBulk)
    {
        var reader = new Utf8JsonReader(body);
        if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject)
            throw new JsonException("Expected a JSON object.");

        var deliveries = new List<Delivery>();
        isBulk = false;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            isBulk = reader.ValueTextEquals("entries"u8);
            reader.Read();
            if (!isBulk)
            {
                reader.Skip();
                continue;
            }

            ReadEntries(ref reader, body, keepEnvelopes, deliveries);
            return deliveries;
        }

        deliveries.Add(ReadEnvelope(body, keepEnvelopes));
        return deliveries;
    }

    /// <summary>Reads an envelope that was stored: what a replay hands to the handler.</summary>
    public static Delivery ReadStored(string envelope) => ReadEnvelope(Encoding.UTF8.GetBytes(envelope), keepEnvelope: true);

    /// <summary>Writes an event as the envelope that the topic would have carried, for an event that came from the lake.</summary>
    public static string WriteEnvelope(CollectedEvent value)
    {
        using var stream = new MemoryStream();
        using (var writer = new Utf8JsonWriter(stream, CollectedEventJson.WriterOptions))
        {
            writer.WriteStartObject();
            writer.WriteString("specversion"u8, "1.0");
            writer.WriteString("id"u8, $"{value.EventId}#{value.Revision}");
            writer.WriteString("type"u8, $"whatsapp.{value.Type}");
            writer.WriteString("source"u8, $"{value.Tenant}/{value.Source}");
            writer.WriteString("datacontenttype"u8, "application/json");
            writer.WritePropertyName("data"u8);
            CollectedEventJson.Write(writer, value);
            writer.WriteEndObject();
        }

        return Encoding.UTF8.GetString(stream.GetBuffer(), 0, (int)stream.Length);
    }

    private static void ReadEntries(ref Utf8JsonReader reader, ReadOnlySpan<byte> body, bool keepEnvelopes, List<Delivery> deliveries)
    {
        if (reader.TokenType != JsonTokenType.StartArray)
            throw new JsonException("entries must be an array.");

        while (reader.Read() && reader.TokenType == JsonTokenType.StartObject)
        {
            string entryId = "";
            Delivery? delivery = null;
            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                var isId = reader.ValueTextEquals("entryId"u8);
                var isEvent = reader.ValueTextEquals("event"u8);
                reader.Read();
                var start = (int)reader.TokenStartIndex;
                if (isId && reader.TokenType == JsonTokenType.String)
                    entryId = reader.GetString()!;
                reader.Skip();
                if (isEvent)
                    delivery = ReadEnvelope(body[start..(int)reader.BytesConsumed], keepEnvelopes);
            }

            deliveries.Add((delivery ?? new Delivery(null, NoEvent)) with { EntryId = entryId });
        }
    }

    private static Delivery ReadEnvelope(ReadOnlySpan<byte> envelope, bool keepEnvelope)
    {
        string? id = null;
        var traceParent = "";
        CollectedEvent? value = null;
        Failure? unreadable;
        try
        {
            var reader = new Utf8JsonReader(envelope);
            if (reader.Read() && reader.TokenType == JsonTokenType.StartObject)
            {
                while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
                    ReadAttribute(ref reader, ref id, ref traceParent, ref value);
            }

            unreadable = value is null ? NoEvent : HasPlace(value) ? null : NoPlace;
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException)
        {
            // InvalidOperationException: a string with bytes or escapes that are no text.
            unreadable = Unreadable("The envelope's data is not an event: " + exception.Message);
        }

        return new Delivery(unreadable is null ? value : null, unreadable)
        {
            EnvelopeKey = unreadable is null ? "" : Clean(id) ?? Convert.ToHexStringLower(SHA256.HashData(envelope)),
            TraceParent = traceParent,
            Envelope = keepEnvelope ? Encoding.UTF8.GetString(envelope).Replace("\0", "", StringComparison.Ordinal) : "",
        };
    }

    private static void ReadAttribute(ref Utf8JsonReader reader, ref string? id, ref string traceParent, ref CollectedEvent? value)
    {
        var isId = reader.ValueTextEquals("id"u8);
        var isTrace = reader.ValueTextEquals("traceparent"u8);
        var isData = reader.ValueTextEquals("data"u8);
        reader.Read();
        if (isData && reader.TokenType == JsonTokenType.StartObject)
            value = CollectedEventJson.Read(ref reader);
        else if (isId && reader.TokenType == JsonTokenType.String)
            id = reader.GetString();
        else if (isTrace && reader.TokenType == JsonTokenType.String)
            traceParent = reader.GetString()!;
        else
            reader.Skip();
    }

    private static Failure Unreadable(string message) => Failure.Of(new PoisonException("read", message), "read");

    private static bool HasPlace(CollectedEvent value) => value.Log > 0 && value.Position > 0 && value.Tenant.Length > 0 && value.Type.Length > 0;

    private static string? Clean(string? id) =>
        string.IsNullOrEmpty(id) ? null : (id.Length <= 200 ? id : id[..200]).Replace("\0", "", StringComparison.Ordinal);
}
