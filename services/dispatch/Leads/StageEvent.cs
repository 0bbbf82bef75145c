namespace WhatsAppMesh.Dispatch.Leads;

/// <summary>One entry of a lead's timeline: the newest revision of a stage change.</summary>
/// <param name="EventId">Id of the event in the lake.</param>
/// <param name="Revision">Revision of it.</param>
/// <param name="OrderAt">When it happened: what the timeline is sorted by; then log and position.</param>
/// <param name="Occurrence">What the jobs of a stay that begins here are called.</param>
/// <param name="ReceivedAt">When the lake received it.</param>
/// <param name="Imported">True for an event of the past that was brought in later: it starts nothing.</param>
/// <param name="Used">True once it was decided, under this event, what to do about the stay.</param>
internal sealed record StageEvent(
    Guid EventId, int Revision, DateTimeOffset OrderAt, int Log, long Position, string StageId, string Occurrence, DateTimeOffset ReceivedAt, bool Imported,
    bool Used = false)
{
    /// <summary>True when the lake had this one later.</summary>
    public bool IsHeardAfter(StageEvent other) => (Log, Position).CompareTo((other.Log, other.Position)) > 0;

    /// <summary>
    /// What is known with another revision, in whatever order the two come: another stage makes it another occurrence, about which nothing
    /// has been decided yet; the same stage is a retry in other bytes, which says nothing and moves nothing. Lakes have such revisions from
    /// before leads had none (ADR 0031).
    /// </summary>
    public StageEvent RevisedBy(StageEvent other)
    {
        var newest = other.Revision > Revision ? other : this;
        if (other.StageId != StageId)
            return newest;
        var first = IsHeardAfter(other) ? other : this;
        return newest with
        {
            OrderAt = first.OrderAt,
            Log = first.Log,
            Position = first.Position,
            ReceivedAt = first.ReceivedAt,
            Imported = first.Imported,
            Occurrence = Occurrence,
            Used = Used,
        };
    }
}

/// <summary>Time in one stage without interruption.</summary>
/// <param name="Events">The events that tell of it, in order; at least one.</param>
internal sealed record Stay(string StageId, IReadOnlyList<StageEvent> Events)
{
    /// <summary>The event of it that the lake had first.</summary>
    public StageEvent FirstHeard { get; } = Events.MinBy(static one => (one.Log, one.Position))!;
}

/// <summary>The stages a lead has been in, as a fold of its stage changes: the same whatever came first.</summary>
internal static class Timeline
{
    /// <summary>Stays in order. A change to the stage that the lead is in already prolongs the stay.</summary>
    public static IReadOnlyList<Stay> Fold(IEnumerable<StageEvent> events)
    {
        var stays = new List<(string StageId, List<StageEvent> Events)>();
        foreach (var one in events.OrderBy(static one => one.OrderAt).ThenBy(static one => one.Log).ThenBy(static one => one.Position))
        {
            if (stays.Count == 0 || stays[^1].StageId != one.StageId)
                stays.Add((one.StageId, []));
            stays[^1].Events.Add(one);
        }

        return [.. stays.Select(static stay => new Stay(stay.StageId, stay.Events))];
    }
}
