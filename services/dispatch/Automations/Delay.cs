using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace WhatsAppMesh.Dispatch.Automations;

/// <summary>
/// Delays of steps. Written as ISO 8601 durations of days, hours, minutes and seconds (<c>PT10M</c>, <c>P1DT12H</c>); read also as
/// <c>00:10:00</c>, <c>1.12:00:00</c>, <c>90s</c>, <c>10m</c>, <c>2h</c>, <c>3d</c> and <c>1w</c>. Months and years have no fixed length and are refused.
/// </summary>
internal static partial class Delay
{
    /// <summary>Reads a delay; null when it is none.</summary>
    public static TimeSpan? Read(string text)
    {
        text = text.Trim();
        if (Iso().Match(text) is { Success: true } iso && text[^1] is not ('P' or 'T'))
            return Sum(Number(iso, "w"), Number(iso, "d"), Number(iso, "h"), Number(iso, "m"), Number(iso, "s"));
        if (Short().Match(text) is { Success: true } brief)
        {
            var number = Number(brief, "n");
            return brief.Groups["u"].Value switch
            {
                "s" => Sum(0, 0, 0, 0, number),
                "m" => Sum(0, 0, 0, number, 0),
                "h" => Sum(0, 0, number, 0, 0),
                "d" => Sum(0, number, 0, 0, 0),
                _ => Sum(number, 0, 0, 0, 0),
            };
        }

        return text.Contains(':', StringComparison.Ordinal) && TimeSpan.TryParse(text, CultureInfo.InvariantCulture, out var span) && span >= TimeSpan.Zero ? span : null;
    }

    /// <summary>The ISO 8601 form; <c>PT0S</c> for none.</summary>
    public static string Write(TimeSpan delay)
    {
        var text = new StringBuilder("P");
        if (delay.Days > 0)
            text.Append(CultureInfo.InvariantCulture, $"{delay.Days}D");
        var time = delay - TimeSpan.FromDays(delay.Days);
        if (time > TimeSpan.Zero || delay == TimeSpan.Zero)
            text.Append('T');
        if (time.Hours > 0)
            text.Append(CultureInfo.InvariantCulture, $"{time.Hours}H");
        if (time.Minutes > 0)
            text.Append(CultureInfo.InvariantCulture, $"{time.Minutes}M");
        var seconds = (decimal)(time.Ticks % TimeSpan.TicksPerMinute) / TimeSpan.TicksPerSecond;
        if (seconds > 0 || delay == TimeSpan.Zero)
            text.Append(CultureInfo.InvariantCulture, $"{seconds:0.#######}S");
        return text.ToString();
    }

    private static double Number(Match match, string group) =>
        match.Groups[group] is { Success: true } found ? double.Parse(found.Value, CultureInfo.InvariantCulture) : 0;

    // More than a TimeSpan holds is no delay.
    private static TimeSpan? Sum(double weeks, double days, double hours, double minutes, double seconds)
    {
        var total = ((((((weeks * 7) + days) * 24) + hours) * 60 + minutes) * 60) + seconds;
        return total < TimeSpan.MaxValue.TotalSeconds / 2 ? TimeSpan.FromTicks((long)Math.Round(total * TimeSpan.TicksPerSecond)) : null;
    }

    [GeneratedRegex(@"^P(?:(?<w>\d{1,9})W)?(?:(?<d>\d{1,9})D)?(?:T(?:(?<h>\d{1,9})H)?(?:(?<m>\d{1,9})M)?(?:(?<s>\d{1,9}(?:\.\d{1,7})?)S)?)?$", RegexOptions.CultureInvariant)]
    private static partial Regex Iso();

    [GeneratedRegex(@"^(?<n>\d{1,9}) ?(?<u>[smhdw])$", RegexOptions.CultureInvariant)]
    private static partial Regex Short();
}
