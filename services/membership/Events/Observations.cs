using WhatsAppMesh.Events.V1;
using WhatsAppMesh.Membership.Facts;

namespace WhatsAppMesh.Membership.Events;

/// <summary>A group of a tenant.</summary>
/// <param name="Tenant">Tenant.</param>
/// <param name="Jid">JID of the group in normal form.</param>
public readonly record struct GroupKey(string Tenant, string Jid);

/// <summary>A JID as one tenant knows it.</summary>
/// <param name="Tenant">Tenant.</param>
/// <param name="Jid">JID in normal form.</param>
public readonly record struct PersonKey(string Tenant, string Jid);

/// <summary>A fact about the roster of a group.</summary>
public sealed record GroupFact(GroupKey Group, Fact Fact);

/// <summary>A group was spoken of, perhaps with values for some of its fields.</summary>
public sealed record GroupSeen(GroupKey Group, DateTimeOffset At, IReadOnlyList<FieldValue> Fields);

/// <summary>A field of a group was set or unset.</summary>
public sealed record GroupFieldChange(GroupKey Group, FieldChange Change);

/// <summary>A person goes by a name of WhatsApp's own kind (a username), or with null by none any more.</summary>
/// <param name="Person">The person, by the JID sent: the LID where both were sent.</param>
/// <param name="Username">The username as sent, without a leading <c>@</c>.</param>
/// <param name="At">Time that orders it.</param>
public readonly record struct UsernameSeen(PersonKey Person, string? Username, DateTimeOffset At);

/// <summary>A person took another phone number.</summary>
/// <param name="Tenant">Tenant.</param>
/// <param name="OldPhone">Phone JID they had.</param>
/// <param name="NewPhone">Phone JID they have from then on.</param>
/// <param name="At">Time that orders it.</param>
public readonly record struct NumberChangeSeen(string Tenant, string OldPhone, string NewPhone, DateTimeOffset At)
{
    /// <summary>The two phones.</summary>
    public IReadOnlyList<PersonKey> Phones => [new PersonKey(Tenant, OldPhone), new PersonKey(Tenant, NewPhone)];
}

/// <summary>A phone and a LID were seen together.</summary>
public readonly record struct PairSeen(string Tenant, string Phone, string Lid, DateTimeOffset At);

/// <summary>An operator's word on a pair: the last one counts.</summary>
public sealed record PairDecision(string Tenant, string Phone, string Lid, bool IsLinked, FactKey Key);

/// <summary>Somebody did something.</summary>
/// <param name="Person">The person, by the JID sent: the LID where both were sent.</param>
/// <param name="At">When.</param>
/// <param name="PushName">Name the person goes by, if said.</param>
public readonly record struct Sighting(PersonKey Person, DateTimeOffset At, string? PushName);

/// <summary>A member's label in a group; an empty one removes it.</summary>
public sealed record TagSeen(GroupKey Group, Entry Member, string Label, FactKey Key);

/// <summary>A join that this service has announced, come back over the topic.</summary>
public sealed record JoinSeen(GroupKey Group, int Log, long Position, string Jid, Guid EventId, DateTimeOffset At);

/// <summary>Everything that the events of one batch say, before anything is stored.</summary>
public sealed class Observations
{
    /// <summary>Facts about rosters.</summary>
    public List<GroupFact> Facts { get; } = [];

    /// <summary>Groups and their fields.</summary>
    public List<GroupSeen> Groups { get; } = [];

    /// <summary>Fields of groups that were set or unset.</summary>
    public List<GroupFieldChange> FieldChanges { get; } = [];

    /// <summary>Usernames of people.</summary>
    public List<UsernameSeen> Usernames { get; } = [];

    /// <summary>Numbers that people gave up for others.</summary>
    public List<NumberChangeSeen> NumberChanges { get; } = [];

    /// <summary>Pairs of phone and LID that no fact already holds.</summary>
    public List<PairSeen> Pairs { get; } = [];

    /// <summary>What operators decided about pairs.</summary>
    public List<PairDecision> Decisions { get; } = [];

    /// <summary>Who was seen.</summary>
    public List<Sighting> Sightings { get; } = [];

    /// <summary>Labels of members.</summary>
    public List<TagSeen> Tags { get; } = [];

    /// <summary>Announced joins that came back.</summary>
    public List<JoinSeen> Joins { get; } = [];

    /// <summary>True when imported events say it: no join is announced because of them, not even one that they show an older event to be.</summary>
    public bool IsHistory { get; private set; }

    /// <summary>Malformed rows that were left out.</summary>
    public int Skipped { get; set; }

    /// <summary>What the events say and nothing here holds.</summary>
    public Dictionary<SilentEvent, int> Silences { get; } = [];

    /// <summary>Adds a fact that the event states about a group. Without entries there is nothing to say, and nobody is removed.</summary>
    public void AddFact(ObservedEvent source, GroupKey group, FactKind kind, IReadOnlyList<Entry> entries)
    {
        if (entries.Count > 0)
            Facts.Add(new GroupFact(group, new Fact(NextKey(source), kind, source.At, source.IsUntimed, source.ReceivedAt, source.Source.Source, entries)));
    }

    /// <summary>Adds that a group was deleted: nobody is in it any more.</summary>
    public void AddDeletion(ObservedEvent source, GroupKey group)
    {
        AddGroup(source, group);
        var key = NextKey(source);
        Facts.Add(new GroupFact(group, new Fact(key, FactKind.Roster, source.At, source.IsUntimed, source.ReceivedAt, source.Source.Source, [])));
    }

    /// <summary>Adds a member's label in a group; an empty one removes it.</summary>
    public void AddTag(ObservedEvent source, GroupKey group, Entry member, string label)
    {
        AddGroup(source, group);
        var ordinal = 0;
        for (var i = Tags.Count - 1; i >= 0 && IsOf(Tags[i].Key, source); i--)
            ordinal++;
        Tags.Add(new TagSeen(group, member, label, new FactKey(source.OrderAt, source.Source.Log, source.Source.Position, ordinal)));
    }

    /// <summary>Adds that a person gave up one number for another. The same number twice says nothing.</summary>
    public void AddNumberChange(ObservedEvent source, string oldPhone, string newPhone)
    {
        if (oldPhone != newPhone)
            NumberChanges.Add(new NumberChangeSeen(source.Tenant, oldPhone, newPhone, source.OrderAt));
    }

    /// <summary>Counts that an event says something that nothing here holds.</summary>
    public void Silent(ObservedEvent source, SilentReason reason)
    {
        var silence = new SilentEvent(source.Source.Type, reason);
        Silences[silence] = Silences.GetValueOrDefault(silence) + 1;
    }

    /// <summary>Adds that a field of a group was set, or with null unset.</summary>
    public void AddFieldChange(ObservedEvent source, GroupKey group, GroupField field, string? value)
    {
        AddGroup(source, group);
        var ordinal = 0;
        // The key must be the same in whatever batch the event comes.
        for (var i = FieldChanges.Count - 1; i >= 0 && IsOf(FieldChanges[i].Change.Key, source); i--)
            ordinal++;
        var key = new FactKey(source.OrderAt, source.Source.Log, source.Source.Position, ordinal);
        FieldChanges.Add(new GroupFieldChange(group, new FieldChange(field, value, key, source.IsUntimed, source.ReceivedAt, source.Source.Source)));
    }

    /// <summary>Adds that the two JIDs of a person belong together, if there are two.</summary>
    public void AddPair(ObservedEvent source, Entry person)
    {
        if (person is { Lid: { } lid, Phone: { } phone })
            Pairs.Add(new PairSeen(source.Tenant, phone, lid, source.OrderAt));
    }

    /// <summary>Adds what a person who acts tells: that the two JIDs belong together, and that the person was there.</summary>
    public void AddPerson(ObservedEvent source, Entry person, string? pushName = null)
    {
        AddPair(source, person);
        Sightings.Add(new Sighting(new PersonKey(source.Tenant, person.Jid), source.At, string.IsNullOrWhiteSpace(pushName) ? null : pushName));
    }

    /// <summary>Adds that a group was spoken of.</summary>
    public void AddGroup(ObservedEvent source, GroupKey group, IReadOnlyList<FieldValue>? fields = null) =>
        Groups.Add(new GroupSeen(group, source.At, fields ?? []));

    /// <summary>
    /// History starts nothing: a join that an imported event tells counts as announced. What an imported announcement rests on is a place
    /// in another log, so that it says nothing here.
    /// </summary>
    /// <param name="source">The imported event, whose facts are the last ones here.</param>
    /// <param name="joinsBefore">How many announcements there were before it.</param>
    public void TakeAsAnnounced(CollectedEvent source, int joinsBefore)
    {
        IsHistory = true;
        Joins.RemoveRange(joinsBefore, Joins.Count - joinsBefore);
        foreach (var (group, fact) in Facts.Where(told => told.Fact.Kind == FactKind.Add && told.Fact.Key.Log == source.Log && told.Fact.Key.Position == source.Position))
        {
            Joins.AddRange(fact.Entries.Select(entry => new JoinSeen(group, source.Log, source.Position, entry.Jid, Guid.Parse(source.EventId), fact.At)));
        }
    }

    /// <summary>Key of the next thing that the event states.</summary>
    public FactKey NextKey(ObservedEvent source)
    {
        var ordinal = 0;
        for (var i = Facts.Count - 1; i >= 0 && IsOf(Facts[i].Fact.Key, source); i--)
            ordinal++;
        return new FactKey(source.OrderAt, source.Source.Log, source.Source.Position, ordinal);
    }

    private static bool IsOf(FactKey key, ObservedEvent source) => key.Log == source.Source.Log && key.Position == source.Source.Position;
}
