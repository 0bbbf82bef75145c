using System.Globalization;
using System.Text.RegularExpressions;

namespace WhatsAppMesh.DevSidecar.Resiliency;

/// <summary>Durations as resources write them: 300ms, 1m30s, 1.5h; a bare integer counts milliseconds.</summary>
internal static partial class Durations
{
    public static TimeSpan? Parse(string text)
    {
        if (long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var milliseconds))
            return TimeSpan.FromMilliseconds(milliseconds);

        if (!Whole().IsMatch(text))
            return null;

        var total = TimeSpan.Zero;
        foreach (Match part in Part().Matches(text))
            total += double.Parse(part.Groups[1].ValueSpan, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture) * Unit(part.Groups[2].ValueSpan);
        return total;
    }

    private static TimeSpan Unit(ReadOnlySpan<char> unit) => unit switch
    {
        "h" => TimeSpan.FromHours(1),
        "m" => TimeSpan.FromMinutes(1),
        "s" => TimeSpan.FromSeconds(1),
        "ms" => TimeSpan.FromMilliseconds(1),
        "ns" => TimeSpan.FromTicks(1) / 100,
        _ => TimeSpan.FromMicroseconds(1),
    };

    [GeneratedRegex(@"^(\d+(\.\d+)?(h|ms|m|s|us|µs|ns))+$")]
    private static partial Regex Whole();

    [GeneratedRegex(@"(\d+(?:\.\d+)?)(h|ms|m|s|us|µs|ns)")]
    private static partial Regex Part();
}
