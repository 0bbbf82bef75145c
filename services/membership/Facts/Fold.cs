namespace WhatsAppMesh.Membership.Facts;

/// <summary>
/// The members of one group, as the fold of its facts. Facts must be applied in the order of their keys; then the result depends only
/// on the set of facts and on who is who, never on the order in which they arrived. What a fact does to a person depends on that
/// person's state alone, so a fold may start from the stored states of the people whom the new facts concern.
/// </summary>
public sealed class Fold
{
    /// <summary>How far from the start of a stay an add may lie and still prove that the person joined then.</summary>
    public static readonly TimeSpan JoinWindow = TimeSpan.FromMinutes(15);

    private readonly Identity _identity;
    private readonly Dictionary<string, MemberState> _members;

    /// <param name="identity">Who is who.</param>
    /// <param name="members">
    /// States to go on from; a fold takes them over. Before a roster all active members must be among them, before any other fact the
    /// people it names.
    /// </param>
    public Fold(Identity identity, Dictionary<string, MemberState>? members = null)
    {
        _identity = identity;
        _members = members ?? new Dictionary<string, MemberState>(StringComparer.Ordinal);
    }

    /// <summary>State of every person the facts have named, by the JID the person is known by.</summary>
    public IReadOnlyDictionary<string, MemberState> Members => _members;

    /// <summary>The fold of facts in the order of their keys.</summary>
    public static Fold Of(IEnumerable<Fact> ordered, Identity identity)
    {
        var fold = new Fold(identity);
        foreach (var fact in ordered)
            fold.Apply(fact);
        return fold;
    }

    /// <summary>Applies the next fact.</summary>
    public void Apply(Fact fact)
    {
        if (fact.Kind is FactKind.Roster or FactKind.Listing)
            ApplyRoster(fact);
        else
            foreach (var entry in fact.Entries)
                ApplyChange(fact, entry, Find(_identity.Person(entry, fact.Key.OrderAt)));
    }

    private void ApplyRoster(Fact fact)
    {
        // One person under two JIDs is listed once, with the higher of the two roles.
        var listed = new Dictionary<string, MemberRole>(fact.Entries.Count, StringComparer.Ordinal);
        foreach (var entry in fact.Entries)
        {
            var person = _identity.Person(entry, fact.Key.OrderAt);
            listed[person] = listed.TryGetValue(person, out var role) && role > entry.Role ? role : entry.Role;
        }

        foreach (var (person, member) in _members)
        {
            if (fact.Kind == FactKind.Roster && member.IsActive && !listed.ContainsKey(person))
                End(member, fact);
        }
        foreach (var (person, role) in listed)
        {
            var member = Find(person);
            if (!member.IsActive)
                Open(member, fact);
            member.Role = role;
        }
    }

    private static void ApplyChange(Fact fact, Entry entry, MemberState member)
    {
        switch (fact.Kind)
        {
            case FactKind.Add:
                Add(member, fact, entry);
                break;
            case FactKind.Remove:
                End(member, fact);
                break;
            case FactKind.Promote when Presence(member, fact):
                member.Role = member.Role == MemberRole.Superadmin ? MemberRole.Superadmin : MemberRole.Admin;
                break;
            case FactKind.Demote when Presence(member, fact):
                member.Role = MemberRole.Member;
                break;
        }
    }

    private static void Add(MemberState member, Fact fact, Entry entry)
    {
        var opens = false;
        var stay = fact.IsUntimed ? null : StartedBy(member, fact);
        if (stay is null && !member.IsActive)
        {
            Open(member, fact);
            member.Role = entry.Role;
            opens = true;
        }

        stay ??= member.Stays[^1];
        var isJoin = opens || (fact.At - stay.Start).Duration() <= JoinWindow;
        // One event may name a person twice.
        if (!stay.Evidence.Exists(known => known.Log == fact.Key.Log && known.Position == fact.Key.Position && known.Jid == entry.Jid))
            stay.Evidence.Add(new JoinEvidence(fact.Key.Log, fact.Key.Position, entry.Jid, isJoin));
    }

    /// <summary>
    /// The stay whose beginning a timed add tells better than the untimed fact that opened it did, or null. An untimed fact is shown
    /// when it was received, so its timed twin lies before it, by the offset at most. Without this a join and a leave that are told
    /// twice within the offset would be two stays: the untimed pair sorts before the timed one.
    /// </summary>
    private static StayState? StartedBy(MemberState member, Fact fact)
    {
        var stay = member.Stays.Find(known => known.IsStartUntimed && known.Start >= fact.At - Untimed.Skew && known.Start - fact.At <= Untimed.Offset
            && (known.End is null || (known.IsEndUntimed && known.End >= fact.At)));
        if (stay is null)
            return null;

        if (fact.At < stay.Start)
            stay.Start = fact.At;
        stay.IsStartUntimed = false;
        // A roster that does not list the person may be older than the join; a leave that was told is not.
        if (stay.IsEndByRoster && stay == member.Stays[^1])
            (stay.End, stay.IsEndUntimed, stay.IsEndByRoster) = (null, false, false);
        EndStaysBefore(member, stay);
        return stay;
    }

    /// <summary>A change of role shows that a person who was never seen is there; of one who left it says nothing.</summary>
    private static bool Presence(MemberState member, Fact fact)
    {
        if (member.Stays.Count == 0 && member.UnseenLeft is null)
            Open(member, fact);
        return member.IsActive;
    }

    private static void Open(MemberState member, Fact fact)
    {
        var stay = new StayState { Start = fact.At, IsStartUntimed = fact.IsUntimed };
        member.Stays.Add(stay);
        EndStaysBefore(member, stay);
    }

    private static void End(MemberState member, Fact fact)
    {
        if (member.Stays.Count == 0)
        {
            EndUnseen(member, fact);
            return;
        }

        var stay = (fact.IsUntimed ? null : EndedBy(member, fact)) ?? member.Stays[^1];
        if (stay.End is not null && (fact.IsUntimed || !stay.IsEndUntimed || fact.At >= stay.End))
            return;
        stay.End = null;
        stay.EndBy(fact.At);
        stay.IsEndUntimed = fact.IsUntimed;
        stay.IsEndByRoster = fact.Kind == FactKind.Roster;
        EndStaysBefore(member, stay);
    }

    /// <summary>
    /// The stay whose end a timed leave tells better than the untimed fact that ended it did, or null. It need not be the last one: the
    /// untimed facts of a leave and of the rejoin after it both sort before the timed leave.
    /// </summary>
    private static StayState? EndedBy(MemberState member, Fact fact)
    {
        for (var i = 0; i < member.Stays.Count; i++)
        {
            var stay = member.Stays[i];
            if (!stay.IsEndUntimed || stay.End is not { } end)
                continue;
            if (end >= fact.At && end - fact.At <= Untimed.Offset)
                return stay;
            var rejoin = i + 1 < member.Stays.Count ? member.Stays[i + 1] : null;
            if (rejoin is { IsStartUntimed: true } && rejoin.Start > fact.At && (end - fact.At).Duration() <= Untimed.Skew)
                return stay;
        }
        return null;
    }

    private static void EndUnseen(MemberState member, Fact fact)
    {
        if (member.UnseenLeft is not null && (fact.IsUntimed || !member.IsUnseenLeftUntimed || fact.At >= member.UnseenLeft))
            return;
        member.UnseenLeft = fact.At;
        member.IsUnseenLeftUntimed = fact.IsUntimed;
    }

    // Times of untimed facts are late by nature: a stay with an earlier start pushes the shown end of those before it back.
    private static void EndStaysBefore(MemberState member, StayState later)
    {
        for (var i = member.Stays.IndexOf(later) - 1; i >= 0 && member.Stays[i].End > later.Start; i--)
        {
            var stay = member.Stays[i];
            stay.EndBy(later.Start);
            // Once a timed start bounds it, no timed leave can be its twin any more.
            if (!later.IsStartUntimed)
                stay.IsEndUntimed = false;
            later = stay;
        }
    }

    private MemberState Find(string person)
    {
        if (!_members.TryGetValue(person, out var member))
            _members[person] = member = new MemberState();
        return member;
    }
}
