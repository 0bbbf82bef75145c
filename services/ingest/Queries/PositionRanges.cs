using WhatsAppMesh.Ingest.V1;

namespace WhatsAppMesh.Ingest;

/// <summary>Cuts asked-for ranges into portions that one query may read. Positions above a log's head are left out: they are not logged yet.</summary>
internal static class PositionChunks
{
    /// <summary>Portions of at most <paramref name="size"/> positions, in the order asked.</summary>
    public static IEnumerable<List<PositionRange>> Of(IEnumerable<PositionRange> ranges, IReadOnlyDictionary<int, long> heads, int size)
    {
        var portion = new List<PositionRange>();
        var room = (long)size;
        foreach (var range in ranges)
        {
            var last = Math.Min(range.To, heads.GetValueOrDefault(range.Log));
            for (var first = range.From; first <= last;)
            {
                var end = Math.Min(last, first + room - 1);
                portion.Add(new PositionRange { Log = range.Log, From = first, To = end });
                room -= end - first + 1;
                first = end + 1;
                if (room > 0)
                    continue;
                yield return portion;
                portion = [];
                room = size;
            }
        }
        if (portion.Count > 0)
            yield return portion;
    }
}

/// <summary>
/// Finds the positions of a portion that the lake did not give back. Positions are dense and committed up to the head, so what is absent
/// was removed with its partition: retired.
/// </summary>
internal sealed class PositionGaps(IReadOnlyList<PositionRange> ranges)
{
    private int _range;
    private long _next = ranges.Count > 0 ? ranges[0].From : 0;

    /// <summary>The gaps before an event; events must come in the portion's order.</summary>
    public IEnumerable<PositionRange> Before(int log, long position)
    {
        while (ranges[_range].Log != log || position < _next || position > ranges[_range].To)
        {
            if (Gap(ranges[_range].To) is { } whole)
                yield return whole;
            _next = ranges[++_range].From;
        }
        if (Gap(position - 1) is { } gap)
            yield return gap;
        _next = position + 1;
    }

    /// <summary>The gaps after the last event.</summary>
    public IEnumerable<PositionRange> Rest()
    {
        while (_range < ranges.Count)
        {
            if (Gap(ranges[_range].To) is { } gap)
                yield return gap;
            if (++_range < ranges.Count)
                _next = ranges[_range].From;
        }
    }

    private PositionRange? Gap(long last) => _next <= last ? new PositionRange { Log = ranges[_range].Log, From = _next, To = last } : null;
}
