namespace WhatsAppMesh.Membership.Facts;

/// <summary>An add that was told about a person while a stay of theirs lasted.</summary>
/// <param name="Log">Log of the event that told it.</param>
/// <param name="Position">Position of that event.</param>
/// <param name="Jid">The JID by which it named the person.</param>
/// <param name="IsJoin">True when it opened the stay or lies close to its start, so that it proves a join.</param>
/// <param name="IsTimed">True when it carries the time of the join.</param>
/// <param name="ReceivedAt">When the lake took it.</param>
public readonly record struct JoinEvidence(int Log, long Position, string Jid, bool IsJoin, bool IsTimed, DateTimeOffset ReceivedAt);

/// <summary>One uninterrupted presence of a person in a group.</summary>
public sealed class StayState
{
    /// <summary>When it began.</summary>
    public required DateTimeOffset Start { get; set; }

    /// <summary>True while only an untimed fact says when it began.</summary>
    public required bool IsStartUntimed { get; set; }

    /// <summary>When it ended; null while it lasts.</summary>
    public DateTimeOffset? End { get; set; }

    /// <summary>True while only an untimed fact says when it ended.</summary>
    public bool IsEndUntimed { get; set; }

    /// <summary>True when it ended because a roster did not list the person.</summary>
    public bool IsEndByRoster { get; set; }

    /// <summary>Every add told during the stay.</summary>
    public List<JoinEvidence> Evidence { get; init; } = [];

    /// <summary>Moves the start back, or the end, so that the stay is over by <paramref name="at"/> at the latest.</summary>
    public void EndBy(DateTimeOffset at)
    {
        if (End is null || End > at)
            End = at;
        if (Start > at)
            Start = at;
    }
}

/// <summary>What the facts of a group say about one person in it.</summary>
public sealed class MemberState
{
    /// <summary>Stays, oldest first. Empty for somebody of whom only the leaving was seen.</summary>
    public List<StayState> Stays { get; init; } = [];

    /// <summary>Role now, or the last one before leaving.</summary>
    public MemberRole Role { get; set; }

    /// <summary>When a promotion was received that carries its time, and that gave the role; null when something else gave it.</summary>
    public DateTimeOffset? PromotedReceivedAt { get; set; }

    /// <summary>When somebody left who was never seen inside; meaningless once there is a stay.</summary>
    public DateTimeOffset? UnseenLeft { get; set; }

    /// <summary>True while only an untimed fact says when that was.</summary>
    public bool IsUnseenLeftUntimed { get; set; }

    /// <summary>True while the person is in the group.</summary>
    public bool IsActive => Stays.Count > 0 && Stays[^1].End is null;

    /// <summary>Start of the first stay, which a rejoin keeps; null for somebody never seen inside.</summary>
    public DateTimeOffset? JoinedAt => Stays.Count > 0 ? Stays[0].Start : null;

    /// <summary>End of the last stay; null while active.</summary>
    public DateTimeOffset? LeftAt => Stays.Count > 0 ? Stays[^1].End : UnseenLeft;

    /// <summary>The same state in objects of its own.</summary>
    public MemberState Copy() => new()
    {
        Role = Role,
        PromotedReceivedAt = PromotedReceivedAt,
        UnseenLeft = UnseenLeft,
        IsUnseenLeftUntimed = IsUnseenLeftUntimed,
        Stays = [.. Stays.Select(stay => new StayState
        {
            Start = stay.Start,
            IsStartUntimed = stay.IsStartUntimed,
            End = stay.End,
            IsEndUntimed = stay.IsEndUntimed,
            IsEndByRoster = stay.IsEndByRoster,
            Evidence = [.. stay.Evidence],
        })],
    };
}
