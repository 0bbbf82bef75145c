using System.Buffers.Text;
using System.Globalization;
using System.Text;

namespace WhatsAppMesh.Ingest;

/// <summary>
/// How far an erasure has come, of all that was logged when it began. It goes through the log twice: first it learns by what else the person is
/// known, while their ids still stand beside that; then it erases.
/// </summary>
/// <param name="Heads">Newest position by log when it began.</param>
/// <param name="Log">Log that it is in.</param>
/// <param name="Position">Last position done in it.</param>
/// <param name="IsLearning">True while it learns.</param>
/// <param name="Usernames">The person's usernames, as far as they are known.</param>
/// <param name="Leads">A CRM's ids of the person.</param>
internal sealed record ErasureCursor(
    IReadOnlyDictionary<int, long> Heads, int Log, long Position, bool IsLearning, IReadOnlySet<string> Usernames, IReadOnlySet<string> Leads)
{
    private const int MaxLearned = 200;
    private const char Username = 'u';
    private const char Lead = 'l';

    /// <summary>The beginning; null when nothing was ever logged.</summary>
    public static ErasureCursor? Start(IReadOnlyDictionary<int, long> heads, IEnumerable<string> usernames) =>
        heads.Count == 0 ? null : new ErasureCursor(heads, heads.Keys.Min(), 0, true, Sorted(usernames), Sorted([]));

    /// <summary>The same, further on; null at the end.</summary>
    public ErasureCursor? After(long position)
    {
        if (position < Heads[Log])
            return this with { Position = position };
        var later = Heads.Keys.Where(log => log > Log).Order().ToList();
        if (later.Count > 0)
            return this with { Log = later[0], Position = 0 };
        return IsLearning ? this with { Log = Heads.Keys.Min(), Position = 0, IsLearning = false } : null;
    }

    /// <summary>The same with what was learned, up to a number that no honest person reaches.</summary>
    public ErasureCursor With(IEnumerable<string> usernames, IEnumerable<string> leads) => this with
    {
        Usernames = Sorted(Usernames.Concat(usernames).Take(MaxLearned)),
        Leads = Sorted(Leads.Concat(leads).Take(MaxLearned)),
    };

    /// <summary>The cursor as a page token.</summary>
    public string ToText() => Base64Url.EncodeToString(Encoding.ASCII.GetBytes(string.Join('\n',
    [
        string.Create(CultureInfo.InvariantCulture, $"{Log}:{Position};{string.Join(';', Heads.OrderBy(static head => head.Key).Select(static head => $"{head.Key}:{head.Value}"))}"),
        IsLearning ? "learning" : "erasing",
        .. Usernames.Select(static name => Username + Uri.EscapeDataString(name)),
        .. Leads.Select(static lead => Lead + Uri.EscapeDataString(lead)),
    ])));

    /// <summary>Reads a token; null when it is none.</summary>
    public static ErasureCursor? Read(string text)
    {
        if (!Base64Url.IsValid(text))
            return null;
        var lines = Encoding.ASCII.GetString(Base64Url.DecodeFromChars(text)).Split('\n');
        if (lines.Length < 2 || lines[1] is not ("learning" or "erasing") || Places(lines[0]) is not { } places)
            return null;
        var heads = places.Skip(1).DistinctBy(static pair => pair.Log).ToDictionary(static pair => pair.Log, static pair => pair.Position);
        return heads.ContainsKey(places[0].Log)
            ? new ErasureCursor(heads, places[0].Log, places[0].Position, lines[1] == "learning", Learned(lines, Username), Learned(lines, Lead))
            : null;
    }

    private static List<(int Log, long Position)>? Places(string line)
    {
        var pairs = new List<(int Log, long Position)>();
        foreach (var pair in line.Split(';'))
        {
            var parts = pair.Split(':');
            if (parts.Length != 2 || !int.TryParse(parts[0], NumberStyles.None, CultureInfo.InvariantCulture, out var log)
                || !long.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out var position))
                return null;
            pairs.Add((log, position));
        }
        return pairs;
    }

    private static SortedSet<string> Learned(string[] lines, char kind) =>
        Sorted(lines.Skip(2).Where(line => line.StartsWith(kind)).Select(static line => Uri.UnescapeDataString(line[1..])).Take(MaxLearned));

    private static SortedSet<string> Sorted(IEnumerable<string> texts) => new(texts, StringComparer.Ordinal);
}
