using System.Globalization;

namespace WhatsAppMesh.GoComponents;

/// <summary>
/// Durations as Go's <c>time.ParseDuration</c> reads them: <c>300ms</c>, <c>-1.5h</c>, <c>1m30s</c>, <c>.5s</c>, <c>0</c>. The largest
/// unit is the hour.
/// </summary>
public static class GoDuration
{
    /// <summary>The duration, in ticks of 100 ns; null when Go would refuse the text, also when 64 bits of nanoseconds do not hold it.</summary>
    public static TimeSpan? Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        var rest = text.AsSpan();
        var negative = rest is ['-', ..];
        if (rest is ['-' or '+', ..])
            rest = rest[1..];
        if (rest is "0")
            return TimeSpan.Zero;
        if (rest.IsEmpty)
            return null;

        var nanoseconds = 0m;
        while (!rest.IsEmpty)
        {
            if (Take(ref rest) is not { } part)
                return null;
            nanoseconds += part;
            if (nanoseconds > long.MaxValue)
                return null;
        }

        var ticks = (long)(nanoseconds / 100);
        return TimeSpan.FromTicks(negative ? -ticks : ticks);
    }

    /// <summary>Takes a number and its unit off the front.</summary>
    private static decimal? Take(ref ReadOnlySpan<char> rest)
    {
        var digits = rest.IndexOfAnyExcept("0123456789.");
        if (digits <= 0 || !decimal.TryParse(rest[..digits], NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var number))
            return null;
        rest = rest[digits..];
        var letters = rest.IndexOfAny("0123456789.");
        var unit = Unit(letters < 0 ? rest : rest[..letters]);
        rest = letters < 0 ? [] : rest[letters..];
        return unit is null || number > long.MaxValue ? null : number * unit;
    }

    private static decimal? Unit(ReadOnlySpan<char> unit) => unit switch
    {
        "ns" => 1m,
        // The micro sign, and the Greek letter that looks like it.
        "us" or "µs" or "μs" => 1_000m,
        "ms" => 1_000_000m,
        "s" => 1_000_000_000m,
        "m" => 60_000_000_000m,
        "h" => 3_600_000_000_000m,
        _ => null,
    };
}
