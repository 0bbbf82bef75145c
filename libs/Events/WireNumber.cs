using System.Globalization;
using System.Text;
using System.Text.Json;

namespace WhatsAppMesh.Events;

/// <summary>
/// The one tolerant reader for 64-bit numbers, which Baileys writes in three forms: a number (live stanza), a string (protobuf's toJSON)
/// or <c>{low, high, unsigned}</c> (a spread Long). What is no number, or does not fit a signed 64-bit integer, is null; nothing throws.
/// Fractions are cut off.
/// </summary>
public static class WireNumber
{
    /// <summary>
    /// Reads the value at which <paramref name="reader"/> stands and leaves the reader at the value's last token.
    /// </summary>
    /// <exception cref="JsonException">The text is not JSON.</exception>
    public static long? Read(ref Utf8JsonReader reader)
    {
        if (reader.TokenType == JsonTokenType.Number && reader.TryGetInt64(out var integer))
            return integer;
        return Whole(ReadDecimal(ref reader));
    }

    /// <summary>Reads a parsed value.</summary>
    public static long? Read(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Number => value.TryGetInt64(out var integer) ? integer : Whole(Parse(value.GetRawText())),
        JsonValueKind.String => Parse(value.GetString()) is { } number ? Whole(number) : null,
        JsonValueKind.Object when value.TryGetProperty("low", out var low) && value.TryGetProperty("high", out var high)
            => Join(Half(low), Half(high), value.TryGetProperty("unsigned", out var unsigned) && unsigned.ValueKind == JsonValueKind.True),
        _ => null,
    };

    /// <summary>Reads the value at which <paramref name="reader"/> stands, with its fraction.</summary>
    internal static decimal? ReadDecimal(ref Utf8JsonReader reader)
    {
        switch (reader.TokenType)
        {
            case JsonTokenType.Number:
                return reader.HasValueSequence ? Parse(Encoding.UTF8.GetString(reader.ValueSequence)) : Parse(reader.ValueSpan);
            case JsonTokenType.String:
                return reader is { HasValueSequence: false, ValueIsEscaped: false } ? Parse(reader.ValueSpan) : Parse(TextOf(ref reader));
            case JsonTokenType.StartObject:
                return ReadLong(ref reader);
            case JsonTokenType.StartArray:
                reader.Skip();
                return null;
            default:
                return null;
        }
    }

    /// <summary>Text of a string token; null when it has none (a lone surrogate).</summary>
    internal static string? TextOf(ref Utf8JsonReader reader)
    {
        try
        {
            return reader.GetString();
        }
        catch (InvalidOperationException)
        {
            return null;
        }
    }

    private static long? ReadLong(ref Utf8JsonReader reader)
    {
        long? low = null, high = null;
        var unsigned = false;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (reader.ValueTextEquals("low"u8))
                low = ReadHalf(ref reader);
            else if (reader.ValueTextEquals("high"u8))
                high = ReadHalf(ref reader);
            else if (reader.ValueTextEquals("unsigned"u8))
                unsigned = reader.Read() && reader.TokenType == JsonTokenType.True;
            else
                reader.Read();
            reader.Skip();
        }
        return Join(low, high, unsigned);
    }

    private static long? ReadHalf(ref Utf8JsonReader reader)
    {
        reader.Read();
        return reader.TokenType is JsonTokenType.Number && reader.TryGetInt64(out var half) ? half : null;
    }

    private static long? Half(JsonElement value) =>
        value.ValueKind == JsonValueKind.Number && value.TryGetInt64(out var half) ? half : null;

    // high * 2^32 + (low >>> 0), two's complement unless unsigned. Halves arrive signed or unsigned.
    private static long? Join(long? low, long? high, bool unsigned)
    {
        if (low is not (>= int.MinValue and <= uint.MaxValue) || high is not (>= int.MinValue and <= uint.MaxValue))
            return null;
        var value = (high.Value << 32) | (low.Value & uint.MaxValue);
        return unsigned && value < 0 ? null : value;
    }

    private static decimal? Parse(ReadOnlySpan<byte> text) =>
        decimal.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) ? number : null;

    private static decimal? Parse(string? text) =>
        decimal.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) ? number : null;

    private static long? Whole(decimal? number) =>
        number is >= long.MinValue and <= long.MaxValue ? (long)decimal.Truncate(number.Value) : null;
}
