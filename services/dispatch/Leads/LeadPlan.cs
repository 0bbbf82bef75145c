namespace WhatsAppMesh.Dispatch.Leads;

/// <summary>What follows from a lead's timeline for its jobs.</summary>
/// <param name="StageId">The stage it is in.</param>
/// <param name="Keep">Occurrence whose jobs are right; pending jobs of any other are cancelled.</param>
/// <param name="Others">Occurrences that turned out to be the same stay as <paramref name="Keep"/>: what they sent is not sent again.</param>
/// <param name="Decided">The event under which this is decided for the first time, to be marked as used; null when it was before.</param>
/// <param name="StartedAt">From when on both the stay and the end of the one before it were known: jobs count from here. Null: no jobs to be made.</param>
internal sealed record LeadPlan(string StageId, string Keep, IReadOnlyList<string> Others, StageEvent? Decided, DateTimeOffset? StartedAt)
{
    /// <summary>
    /// Decides about the stay the lead is in now. It has one set of jobs, made under its first event when it is first seen; a stay that
    /// was left before anybody heard of it never has any.
    /// </summary>
    /// <param name="events">The whole timeline; at least one event.</param>
    /// <param name="epoch">What was received before starts nothing.</param>
    public static LeadPlan For(IEnumerable<StageEvent> events, DateTimeOffset epoch)
    {
        var stays = Timeline.Fold(events);
        var stay = stays[^1];
        var used = stay.Events.Where(static one => one.Used).ToList();
        if (used.Count > 0)
            return new LeadPlan(stay.StageId, used[0].Occurrence, [.. used.Skip(1).Select(static one => one.Occurrence)], null, null);

        var first = stay.Events[0];
        var known = stays.Count > 1 && stays[^2].Events[^1].ReceivedAt is var left && left > first.ReceivedAt ? left : first.ReceivedAt;
        return new LeadPlan(stay.StageId, first.Occurrence, [], first, first.Imported || known < epoch ? null : known);
    }
}
