namespace WhatsAppMesh.Dispatch.Leads;

/// <summary>What follows from a lead's timeline for its jobs (ADR 0024).</summary>
/// <param name="StageId">The stage it is in.</param>
/// <param name="Keep">Occurrence of the stay it is in: the jobs of any other stay are called off.</param>
/// <param name="Others">Occurrences that turned out to be the same stay as <paramref name="Keep"/>: what they sent is not sent again.</param>
/// <param name="Decided">The event under which the stay starts jobs now, to be marked as used; null when it starts none, or did before.</param>
/// <param name="StartedAt">From when on both the stay and the end of the one before it were known: jobs count from here. Null like <paramref name="Decided"/>.</param>
internal sealed record LeadPlan(string StageId, string Keep, IReadOnlyList<string> Others, StageEvent? Decided, DateTimeOffset? StartedAt)
{
    /// <summary>
    /// Decides about the stay the lead is in now. It is named by the event of it that the lake had first, and this one alone says whether
    /// it starts anything: whatever order events are handled in, the answer is in the end the same.
    /// </summary>
    /// <param name="events">The whole timeline; at least one event.</param>
    /// <param name="epoch">What was received before starts nothing.</param>
    public static LeadPlan For(IEnumerable<StageEvent> events, DateTimeOffset epoch)
    {
        var (stay, before) = Current(events);
        var first = stay.FirstHeard;
        if (first.Imported || first.ReceivedAt < epoch)
            return new LeadPlan(stay.StageId, first.Occurrence, [], null, null);

        var used = stay.Events.Where(static one => one.Used).ToList();
        if (used.Count > 0)
            return new LeadPlan(stay.StageId, first.Occurrence, [.. used.Select(static one => one.Occurrence).Where(one => one != first.Occurrence)], null, null);

        var known = before?.FirstHeard.ReceivedAt is { } left && left > first.ReceivedAt ? left : first.ReceivedAt;
        return new LeadPlan(stay.StageId, first.Occurrence, [], first, known);
    }

    // An import starts nothing: what it tells afterwards, between two tellings of one stage, ends no stay.
    private static (Stay Stay, Stay? Before) Current(IEnumerable<StageEvent> events)
    {
        for (var known = events.ToList(); ;)
        {
            var stays = Timeline.Fold(known);
            if (stays.Count == 1)
                return (stays[0], null);
            var (stay, before) = (stays[^1], stays[^2]);
            var afterwards = before.Events.Where(one => one.Imported && one.IsHeardAfter(stay.FirstHeard)).ToHashSet();
            if (afterwards.Count == 0)
                return (stay, before);
            known.RemoveAll(afterwards.Contains);
        }
    }
}
