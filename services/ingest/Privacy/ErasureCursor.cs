using System.Buffers.Text;
using System.Globalization;
using System.Text;

namespace WhatsAppMesh.Ingest;

/// <summary>How far an erasure has come: everything up to here is erased, of all that was logged when it began.</summary>
/// <param name="Heads">Newest position by log when it began.</param>
/// <param name="Log">Log that it is in.</param>
/// <param name="Position">Last position erased in it.</param>
internal sealed record ErasureCursor(IReadOnlyDictionary<int, long> Heads, int Log, long Position)
{
    /// <summary>The beginning; null when nothing was ever logged.</summary>
    public static ErasureCursor? Start(IReadOnlyDictionary<int, long> heads) => heads.Count == 0 ? null : new ErasureCursor(heads, heads.Keys.Min(), 0);

    /// <summary>The same, further on; null at the end.</summary>
    public ErasureCursor? After(long position)
    {
        if (position < Heads[Log])
            return this with { Position = position };
        var later = Heads.Keys.Where(log => log > Log).Order().ToList();
        return later.Count == 0 ? null : this with { Log = later[0], Position = 0 };
    }

    /// <summary>The cursor as a page token.</summary>
    public string ToText() => Base64Url.EncodeToString(Encoding.ASCII.GetBytes(string.Create(
        CultureInfo.InvariantCulture, $"{Log}:{Position};{string.Join(';', Heads.OrderBy(static head => head.Key).Select(static head => $"{head.Key}:{head.Value}"))}")));

    /// <summary>Reads a token; null when it is none.</summary>
    public static ErasureCursor? Read(string text)
    {
        if (!Base64Url.IsValid(text))
            return null;
        var pairs = new List<(int Log, long Position)>();
        foreach (var pair in Encoding.ASCII.GetString(Base64Url.DecodeFromChars(text)).Split(';'))
        {
            var parts = pair.Split(':');
            if (parts.Length != 2 || !int.TryParse(parts[0], NumberStyles.None, CultureInfo.InvariantCulture, out var log)
                || !long.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out var position))
                return null;
            pairs.Add((log, position));
        }
        var heads = pairs.Skip(1).DistinctBy(static pair => pair.Log).ToDictionary(static pair => pair.Log, static pair => pair.Position);
        return heads.ContainsKey(pairs[0].Log) ? new ErasureCursor(heads, pairs[0].Log, pairs[0].Position) : null;
    }
}
