using System.Text.RegularExpressions;

namespace WhatsAppMesh.Dispatch.Sending;

/// <summary>A broker's answer as an operator may see it: at most 2 KB, without numbers of people and without JIDs.</summary>
internal static partial class RedactedAnswer
{
    private const int MaxLength = 2048;

    /// <summary>Redacts an answer; null when there is nothing to show.</summary>
    public static string? Of(string? body)
    {
        if (string.IsNullOrWhiteSpace(body))
            return null;

        // What is cut off may end in half a number: redacted first, cut then.
        var start = Cut(body, 2 * MaxLength);
        var clean = Phone().Replace(Address().Replace(start, "[address]"), "[number]").Replace("\0", "", StringComparison.Ordinal);
        return Cut(clean, MaxLength);
    }

    // Never between the halves of a surrogate pair, which no database takes.
    private static string Cut(string text, int length) =>
        text.Length <= length ? text : text[..(char.IsHighSurrogate(text[length - 1]) ? length - 1 : length)];

    [GeneratedRegex(@"[\w.:+-]+@[\w.-]+")]
    private static partial Regex Address();

    [GeneratedRegex(@"\+?\d[\d ().-]{5,}\d")]
    private static partial Regex Phone();
}
