using System.Globalization;

namespace WhatsAppMesh.GoComponents;

/// <summary>Numbers and truth values as Go programs, Dapr's among them, read them from text.</summary>
public static class GoValues
{
    /// <summary>
    /// Whether a text counts as true for Dapr's newer components: y, yes, true, t, on or 1, in capitals or not. Everything else is false, without
    /// an error.
    /// </summary>
    public static bool IsTruthy(string? text) => text?.Trim().ToUpperInvariant() is "Y" or "YES" or "TRUE" or "T" or "ON" or "1";

    /// <summary>Go's <c>strconv.ParseBool</c>, which the Redis components use; null when Go would refuse the text.</summary>
    public static bool? ParseBool(string text) => text switch
    {
        "1" or "t" or "T" or "true" or "TRUE" or "True" => true,
        "0" or "f" or "F" or "false" or "FALSE" or "False" => false,
        _ => null,
    };

    /// <summary>Go's <c>strconv.ParseInt(text, 10, 64)</c>; null when Go would refuse the text.</summary>
    public static long? ParseInt(string text) =>
        long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number) ? number : null;

    /// <summary>Go's <c>strconv.ParseUint(text, 10, 64)</c>, which takes no sign.</summary>
    public static ulong? ParseUint(string text) =>
        ulong.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : null;

    /// <summary>
    /// Go's <c>strconv.ParseInt(text, 0, 64)</c>, of which Dapr's newer components make every whole number: 0x1F, 0o17, 017, 0b11 and 1_000 are
    /// numbers, and nothing is 0.
    /// </summary>
    public static long? ParseAnyInt(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        if (text.Length == 0)
            return 0;
        var negative = text[0] == '-';
        var rest = text[0] is '-' or '+' ? text[1..] : text;
        var (radix, digits, prefixed) = Prefix(rest);
        if (Digits(digits, prefixed) is not { Length: > 0 } bare)
            return null;

        Int128 value = 0;
        foreach (var c in bare)
        {
            var digit = "0123456789abcdef".IndexOf(char.ToLowerInvariant(c), StringComparison.Ordinal);
            if (digit < 0 || digit >= radix)
                return null;
            value = (value * radix) + digit;
            if (value > (Int128)long.MaxValue + 1)
                return null;
        }

        value = negative ? -value : value;
        return value > long.MaxValue ? null : (long)value;
    }

    private static (int Radix, string Digits, bool Prefixed) Prefix(string text) => text switch
    {
        ['0', 'x' or 'X', ..] => (16, text[2..], true),
        ['0', 'b' or 'B', ..] => (2, text[2..], true),
        ['0', 'o' or 'O', ..] => (8, text[2..], true),
        ['0', _, ..] => (8, text[1..], true),
        _ => (10, text, false),
    };

    /// <summary>Without its underscores, which stand singly between digits or behind a prefix; null = they do not.</summary>
    private static string? Digits(string text, bool prefixed) =>
        text.EndsWith('_') || text.Contains("__", StringComparison.Ordinal) || (text.StartsWith('_') && !prefixed)
            ? null
            : text.Replace("_", "", StringComparison.Ordinal);
}
