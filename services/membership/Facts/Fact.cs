namespace WhatsAppMesh.Membership.Facts;

/// <summary>What a fact says about a group's roster.</summary>
public enum FactKind : short
{
    /// <summary>The whole roster: whoever is not listed is not in the group.</summary>
    Roster = 1,

    /// <summary>People came in.</summary>
    Add = 2,

    /// <summary>People went out, of their own will or not.</summary>
    Remove = 3,

    /// <summary>People became admins.</summary>
    Promote = 4,

    /// <summary>People stopped being admins.</summary>
    Demote = 5,

    /// <summary>Part of a roster: whoever is listed is in the group; of the others it says nothing.</summary>
    Listing = 6,
}

/// <summary>
/// The order of facts: by when they happened, then by where they stand in the log. <see cref="OrderAt"/> of an untimed fact lies
/// <see cref="Untimed.Offset"/> before its reception.
/// </summary>
/// <param name="OrderAt">Time that orders the fact; never shown.</param>
/// <param name="Log">Log of the event.</param>
/// <param name="Position">Position of the event in that log.</param>
/// <param name="Ordinal">Index of the fact among those of one event.</param>
public readonly record struct FactKey(DateTimeOffset OrderAt, int Log, long Position, int Ordinal) : IComparable<FactKey>
{
    /// <inheritdoc/>
    public int CompareTo(FactKey other)
    {
        var byTime = OrderAt.CompareTo(other.OrderAt);
        if (byTime != 0)
            return byTime;
        var byLog = Log.CompareTo(other.Log);
        if (byLog != 0)
            return byLog;
        var byPosition = Position.CompareTo(other.Position);
        return byPosition != 0 ? byPosition : Ordinal.CompareTo(other.Ordinal);
    }
}

/// <summary>One thing that one event says about the roster of one group. Never changed once stored; JIDs stay as they were sent.</summary>
/// <param name="Key">Its place in the order of facts.</param>
/// <param name="Kind">What it says.</param>
/// <param name="At">When it happened by the event's own account: the time that is shown.</param>
/// <param name="IsUntimed">True when <paramref name="At"/> is only the time of reception.</param>
/// <param name="ReceivedAt">When the lake took the event: our clock.</param>
/// <param name="Source">Who told it: the collector, as the lake names it.</param>
/// <param name="Entries">Whom it says it of, in the order sent.</param>
public sealed record Fact(
    FactKey Key, FactKind Kind, DateTimeOffset At, bool IsUntimed, DateTimeOffset ReceivedAt, string Source, IReadOnlyList<Entry> Entries)
{
    /// <summary>True when it tells of a change; false when it lists who is there.</summary>
    public bool IsChange => Kind is not (FactKind.Roster or FactKind.Listing);
}

/// <summary>Facts that carry no time of their own.</summary>
public static class Untimed
{
    /// <summary>
    /// How much older an untimed fact counts than its reception: a collector may deliver a snapshot minutes late, and it must never
    /// beat a timed fact that it may not have seen.
    /// </summary>
    public static readonly TimeSpan Offset = TimeSpan.FromMinutes(15);

    /// <summary>How far WhatsApp's clock may run ahead of ours: by so much a timed fact may seem younger than its reception.</summary>
    public static readonly TimeSpan Skew = TimeSpan.FromMinutes(1);
}
