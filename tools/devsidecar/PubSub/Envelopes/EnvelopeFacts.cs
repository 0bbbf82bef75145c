using System.Globalization;
using System.Text.Json;

namespace WhatsAppMesh.DevSidecar.PubSub.Envelopes;

/// <summary>What routing and tracing need of an envelope.</summary>
/// <param name="HasType">It has a type, whatever its kind.</param>
/// <param name="Type">The type; null when it is no text.</param>
/// <param name="TraceParent">The span it was published in; null when it has none.</param>
/// <param name="Expiration">When it is worth no more; null = never.</param>
internal readonly record struct EnvelopeFacts(bool HasType, string? Type, string? TraceParent, DateTimeOffset? Expiration)
{
    /// <summary>Reads an envelope.</summary>
    /// <returns>False when the bytes are no JSON object.</returns>
    public static bool TryRead(ReadOnlySpan<byte> envelope, out EnvelopeFacts facts)
    {
        facts = default;
        string? traceId = null;
        try
        {
            var reader = new Utf8JsonReader(envelope, new JsonReaderOptions { MaxDepth = JsonTape.MaxDepth + 1 });
            if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject)
                return false;

            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                if (reader.ValueTextEquals("type"u8))
                    facts = facts with { HasType = true, Type = TextOf(ref reader) };
                else if (reader.ValueTextEquals("traceparent"u8))
                    facts = facts with { TraceParent = TextOf(ref reader) };
                else if (reader.ValueTextEquals("traceid"u8))
                    traceId = TextOf(ref reader);
                else if (reader.ValueTextEquals("expiration"u8))
                    facts = facts with { Expiration = MomentOf(TextOf(ref reader)) };
                else
                    reader.Skip();
            }
        }
        catch (JsonException)
        {
            return false;
        }

        facts = facts with { TraceParent = facts.TraceParent ?? traceId };
        return true;
    }

    private static string? TextOf(ref Utf8JsonReader reader)
    {
        reader.Read();
        if (reader.TokenType == JsonTokenType.String)
            return System.Text.Encoding.UTF8.GetString(GoString.Unescape(reader.ValueSpan));

        reader.Skip();
        return null;
    }

    private static DateTimeOffset? MomentOf(string? text) =>
        DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var moment) ? moment : null;
}
