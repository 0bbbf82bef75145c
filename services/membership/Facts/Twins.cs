namespace WhatsAppMesh.Membership.Facts;

/// <summary>One telling of a change, as far as it matters to find its twin.</summary>
/// <param name="Key">Its place in the order of facts.</param>
/// <param name="IsUntimed">True when only the time of reception is known.</param>
/// <param name="ReceivedAt">When the lake took it.</param>
/// <param name="Source">Who told it.</param>
public readonly record struct Telling(FactKey Key, bool IsUntimed, DateTimeOffset ReceivedAt, string Source);

/// <summary>
/// WhatsApp's library tells each change twice within seconds: a stub message with the server's time, and an update without any. Both may
/// reach us hours late, but they reach us together: what tells them to be twins is when they were received.
/// </summary>
public static class Twins
{
    /// <summary>How far apart two tellings of one change may be received.</summary>
    public static readonly TimeSpan Window = TimeSpan.FromMinutes(10);

    /// <summary>True when two tellings of one change may be twins by their reception.</summary>
    public static bool AreNear(DateTimeOffset one, DateTimeOffset other) => (one - other).Duration() <= Window;

    /// <summary>
    /// Pairs the tellings of one and the same change: each timed one, by reception and then by place in the log, takes the first untimed
    /// one of every source that none before it took.
    /// </summary>
    /// <param name="tellings">Tellings of one change, in any order.</param>
    /// <returns>Indexes of the pairs.</returns>
    public static List<(int Timed, int Untimed)> Match(IReadOnlyList<Telling> tellings)
    {
        var pairs = new List<(int, int)>();
        var order = Enumerable.Range(0, tellings.Count).ToArray();
        Array.Sort(order, (one, other) => Earlier(tellings[one], tellings[other]));
        var bySource = order.Where(index => tellings[index].IsUntimed).GroupBy(index => tellings[index].Source, StringComparer.Ordinal)
            .Select(static group => new LinkedList<int>(group)).ToList();
        if (bySource.Count == 0)
            return pairs;
        foreach (var timed in order.Where(index => !tellings[index].IsUntimed))
        {
            foreach (var waiting in bySource)
            {
                // What lies too far back for this one does for all later ones.
                while (waiting.First is { } first && tellings[first.Value].ReceivedAt < tellings[timed].ReceivedAt - Window)
                    waiting.RemoveFirst();
                if (waiting.First is not { } next || !AreNear(tellings[next.Value].ReceivedAt, tellings[timed].ReceivedAt))
                    continue;
                pairs.Add((timed, next.Value));
                waiting.RemoveFirst();
            }
        }
        return pairs;
    }

    private static int Earlier(Telling one, Telling other)
    {
        var byTime = one.ReceivedAt.CompareTo(other.ReceivedAt);
        if (byTime != 0)
            return byTime;
        var byPlace = (one.Key.Log, one.Key.Position, one.Key.Ordinal).CompareTo((other.Key.Log, other.Key.Position, other.Key.Ordinal));
        return byPlace != 0 ? byPlace : one.IsUntimed.CompareTo(other.IsUntimed);
    }
}
