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
    private readonly RosterTwins _twins;
    private readonly Dictionary<string, MemberState> _members;

    /// <param name="identity">Who is who.</param>
    /// <param name="twins">Twins among the facts that are going to be applied.</param>
    /// <param name="members">
    /// States to go on from; a fold takes them over. Before a roster all active members must be among them, before any other fact the
    /// people it names.
    /// </param>
    public Fold(Identity identity, RosterTwins twins, Dictionary<string, MemberState>? members = null)
    {
        _identity = identity;
        _twins = twins;
        _members = members ?? new Dictionary<string, MemberState>(StringComparer.Ordinal);
    }

    /// <summary>State of every person the facts have named, by the JID the person is known by.</summary>
    public IReadOnlyDictionary<string, MemberState> Members => _members;

    /// <summary>
    /// True when the last fact is a list that was not believed in everything, because it may be older than what was received beside it:
    /// the same list, received later, says more.
    /// </summary>
    public bool HasLastListYielded { get; private set; }

    /// <summary>The fold of facts in the order of their keys.</summary>
    /// <param name="ordered">Facts in order.</param>
    /// <param name="identity">Who is who.</param>
    /// <param name="until">Facts that happened later are left out, but for what they tell of the others; null = none are.</param>
    public static Fold Of(IReadOnlyList<Fact> ordered, Identity identity, DateTimeOffset? until = null)
    {
        var fold = new Fold(identity, RosterTwins.Of(ordered, identity));
        foreach (var fact in ordered)
        {
            if (until is null || fact.At <= until)
                fold.Apply(fact);
        }
        return fold;
    }

    /// <summary>Applies the next fact.</summary>
    public void Apply(Fact fact)
    {
        HasLastListYielded = false;
        if (fact.IsChange)
            ApplyChanges(fact);
        else
            ApplyList(fact);
    }

    private void ApplyChanges(Fact fact)
    {
        foreach (var entry in fact.Entries)
        {
            var person = _identity.Person(entry, fact.Key.OrderAt);
            if (!_twins.HasTwin(fact, person))
                ApplyChange(fact, entry, Find(person), _twins.TwinsOf(fact, person), person);
        }
    }

    private void ApplyList(Fact fact)
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
            if (fact.Kind != FactKind.Roster || !member.IsActive || listed.ContainsKey(person))
                continue;
            if (IsNear(fact, JoinReceived(member.Stays[^1])))
                HasLastListYielded = true;
            else
                End(member, fact);
        }
        foreach (var (person, role) in listed)
        {
            var member = Find(person);
            if (!member.IsActive)
                Open(member, fact);
            ListRole(member, fact, role);
        }
    }

    // A list and a change that was received beside it may have waited in one outbox: which of the two is older nobody knows. That somebody
    // is missing in it, or has no role, says nothing then.
    private void ListRole(MemberState member, Fact list, MemberRole role)
    {
        if (role < member.Role && IsNear(list, member.PromotedReceivedAt))
            HasLastListYielded = true;
        else if (role != member.Role)
            (member.Role, member.PromotedReceivedAt) = (role, null);
    }

    private static bool IsNear(Fact list, DateTimeOffset? received) =>
        list.IsUntimed && received is { } known && Twins.AreNear(list.ReceivedAt, known);

    /// <summary>When the last add of a stay that carries its time was received; null when none does.</summary>
    private static DateTimeOffset? JoinReceived(StayState stay) =>
        stay.Evidence.Where(static evidence => evidence.IsTimed).Max(static evidence => (DateTimeOffset?)evidence.ReceivedAt);

    private void ApplyChange(Fact fact, Entry entry, MemberState member, IReadOnlyList<Fact> twins, string person)
    {
        switch (fact.Kind)
        {
            case FactKind.Add:
                var stay = Add(member, fact, entry);
                foreach (var twin in twins)
                    AddTwin(stay, twin, person, fact);
                break;
            case FactKind.Remove:
                End(member, fact);
                break;
            case FactKind.Promote when Presence(member, fact):
                member.Role = member.Role == MemberRole.Superadmin ? MemberRole.Superadmin : MemberRole.Admin;
                member.PromotedReceivedAt = fact.IsUntimed ? null : fact.ReceivedAt;
                break;
            case FactKind.Demote when Presence(member, fact):
                (member.Role, member.PromotedReceivedAt) = (MemberRole.Member, null);
                break;
        }
    }

    private static StayState Add(MemberState member, Fact fact, Entry entry)
    {
        var stay = fact.IsUntimed ? null : StartedBy(member, fact);
        if (stay is null && !member.IsActive)
        {
            Open(member, fact);
            (member.Role, member.PromotedReceivedAt) = (entry.Role, null);
        }

        stay ??= member.Stays[^1];
        Witness(stay, fact, entry.Jid, IsJoin(fact, stay));
        return stay;
    }

    // An announcement that was made under it stands.
    private void AddTwin(StayState stay, Fact twin, string person, Fact timed)
    {
        foreach (var entry in twin.Entries.Where(entry => _identity.Person(entry, twin.Key.OrderAt) == person))
            Witness(stay, twin, entry.Jid, IsJoin(timed, stay));
    }

    private static bool IsJoin(Fact add, StayState stay) => (add.At - stay.Start).Duration() <= JoinWindow;

    private static void Witness(StayState stay, Fact add, string jid, bool isJoin)
    {
        // One event may name a person twice.
        if (!stay.Evidence.Exists(known => known.Log == add.Key.Log && known.Position == add.Key.Position && known.Jid == jid))
            stay.Evidence.Add(new JoinEvidence(add.Key.Log, add.Key.Position, jid, isJoin, !add.IsUntimed, add.ReceivedAt));
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
