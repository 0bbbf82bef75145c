using System.Globalization;

namespace WhatsAppMesh.DevSidecar.Resiliency;

/// <summary>Status codes as <c>matching</c> writes them: <c>429,500-599</c>.</summary>
public sealed class CodeRanges
{
    private readonly List<(int First, int Last)> _ranges = [];

    /// <summary>Parses a list of codes and ranges; null when the text is none.</summary>
    public static CodeRanges? Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        var codes = new CodeRanges();
        foreach (var part in text.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
        {
            var ends = part.Split('-', StringSplitOptions.TrimEntries);
            if (ends.Length > 2 || !TryCode(ends[0], out var first) || !TryCode(ends[^1], out var last) || last < first)
                return null;

            codes._ranges.Add((first, last));
        }

        return codes._ranges.Count > 0 ? codes : null;
    }

    /// <summary>Whether a code is in one of the ranges.</summary>
    public bool Contains(int code) => _ranges.Exists(range => code >= range.First && code <= range.Last);

    private static bool TryCode(string text, out int code) => int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out code);
}
