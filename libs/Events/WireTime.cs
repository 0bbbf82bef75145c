using System.Globalization;
using System.Text.Json;

namespace WhatsAppMesh.Events;

/// <summary>
/// The one tolerant reader for times: epoch seconds or milliseconds in any form that <see cref="WireNumber"/> knows, or ISO 8601 text
/// (UTC where it names no offset). Numbers above 10^12 are milliseconds. Zero and below mean "not set" in WhatsApp data; they, garbage
/// and what no calendar holds are null. Nothing throws.
/// </summary>
public static class WireTime
{
    private const decimal FirstMilliseconds = 1_000_000_000_000m;

    private static readonly string[] BasicFormats = ["yyyyMMdd'T'HHmmssK", "yyyyMMdd'T'HHmmss.FFFFFFFK"];

    private static readonly decimal MaxSeconds = DateTimeOffset.MaxValue.ToUnixTimeSeconds();

    /// <summary>Reads the value at which <paramref name="reader"/> stands and leaves the reader at the value's last token.</summary>
    /// <exception cref="JsonException">The text is not JSON.</exception>
    public static DateTimeOffset? Read(ref Utf8JsonReader reader)
    {
        if (reader.TokenType == JsonTokenType.Number && reader.TryGetInt64(out var integer))
            return FromNumber(integer);
        var isText = reader.TokenType == JsonTokenType.String;
        return WireNumber.ReadDecimal(ref reader) is { } number ? FromNumber(number) : isText ? FromText(WireNumber.TextOf(ref reader)) : null;
    }

    /// <summary>Reads a parsed value.</summary>
    public static DateTimeOffset? Read(JsonElement value)
    {
        if (value.ValueKind == JsonValueKind.Number && value.TryGetDecimal(out var number))
            return FromNumber(number);
        if (value.ValueKind == JsonValueKind.String)
            return FromText(value.GetString());
        return WireNumber.Read(value) is { } whole ? FromNumber(whole) : null;
    }

    /// <summary>Epoch seconds, or milliseconds above 10^12.</summary>
    public static DateTimeOffset? FromNumber(decimal number)
    {
        if (number <= 0)
            return null;
        var seconds = number > FirstMilliseconds ? number / 1000 : number;
        return seconds <= MaxSeconds ? DateTimeOffset.UnixEpoch.AddTicks((long)(seconds * TimeSpan.TicksPerSecond)) : null;
    }

    /// <summary>ISO 8601 (date, date and time, with or without offset), or a number written as text.</summary>
    public static DateTimeOffset? FromText(string? text)
    {
        var trimmed = text.AsSpan().Trim();
        if (decimal.TryParse(trimmed, NumberStyles.Float, CultureInfo.InvariantCulture, out var number))
            return FromNumber(number);
        const DateTimeStyles Utc = DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal;
        var parsed = StartsWithDate(trimmed)
            ? DateTimeOffset.TryParse(trimmed, CultureInfo.InvariantCulture, Utc, out var time)
            : DateTimeOffset.TryParseExact(trimmed, BasicFormats, CultureInfo.InvariantCulture, Utc, out time);
        return parsed && time > DateTimeOffset.UnixEpoch ? time : null;
    }

    // DateTimeOffset.TryParse alone would take "1 June" and other prose for a time.
    private static bool StartsWithDate(ReadOnlySpan<char> text) =>
        text.Length >= 10 && text[4] == '-' && text[7] == '-' && char.IsAsciiDigit(text[0]) && char.IsAsciiDigit(text[9])
        && (text.Length == 10 || text[10] is 'T' or 't' or ' ');
}
