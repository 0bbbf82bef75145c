using WhatsAppMesh.Membership.Events;
using WhatsAppMesh.Membership.Facts;

namespace WhatsAppMesh.Membership.Store;

/// <summary>How a group gets from the stored tables to the fold of its facts.</summary>
internal enum FoldMode
{
    /// <summary>The new facts repeat the roster that was folded last: nothing but the mark moves.</summary>
    Unchanged,

    /// <summary>All new facts come after everything folded: they are applied to the stored rows.</summary>
    Advance,

    /// <summary>A fact came late or may be told before, or somebody turned out to be somebody else: all facts are folded again.</summary>
    Refold,
}

/// <summary>A group with work to do.</summary>
internal sealed class GroupFold(GroupRow group, FoldMode mode, List<FactRow> facts, FactKey? after)
{
    public GroupRow Group { get; } = group;

    public FoldMode Mode { get; } = mode;

    /// <summary>Checkpoint to fold again from; null = from the first fact.</summary>
    public FactKey? After { get; } = after;

    /// <summary>New facts in order.</summary>
    public List<FactRow> Facts { get; } = facts;

    /// <summary>Roster of the last new fact, when it is one.</summary>
    public Guid? LastRoster => Facts.Count > 0 ? Facts[^1].Roster : null;

    /// <summary>Key of the newest fact after the fold.</summary>
    public FactKey? Newest(List<Fact> all) => Mode == FoldMode.Refold ? (all.Count > 0 ? all[^1].Key : null) : Facts.Count > 0 ? Facts[^1].Fact.Key : null;
}

/// <summary>Which groups to fold, how, and which of their members that needs. Pure.</summary>
internal sealed class FoldPlan
{
    private FoldPlan(List<GroupFold> groups, List<(long, PersonKey)> members) => (Groups, Members) = (groups, members);

    /// <summary>Groups with work to do.</summary>
    public List<GroupFold> Groups { get; }

    /// <summary>Members needed of groups that do not need all of them.</summary>
    public List<(long Group, PersonKey Person)> Members { get; }

    /// <summary>Ids of the groups that need all their members.</summary>
    public long[] WholeGroups => [.. Groups.Where(NeedsAll).Select(static group => group.Group.Id)];

    /// <summary>Groups to fold again, each with the checkpoint to begin from.</summary>
    public List<(long Group, FactKey? After)> Refolds =>
        [.. Groups.Where(static group => group.Mode == FoldMode.Refold).Select(static group => (group.Group.Id, group.After))];

    /// <summary>How many groups are folded in one way.</summary>
    public int Count(FoldMode mode) => Groups.Count(group => group.Mode == mode);

    /// <summary>Plans the folds of a batch.</summary>
    /// <param name="facts">New facts.</param>
    /// <param name="tags">New labels.</param>
    /// <param name="groupOf">Rows of the batch's groups, as stored before.</param>
    /// <param name="mentioning">Groups in which a phone stands alone whose owner has changed.</param>
    /// <param name="identityOf">Who is who in a tenant.</param>
    public static FoldPlan Of(
        List<FactRow> facts, List<TagSeen> tags, Func<GroupKey, GroupRow> groupOf, IEnumerable<GroupRow> mentioning, Func<string, Identity> identityOf)
    {
        var moved = mentioning.ToHashSet();
        var byGroup = facts.GroupBy(static fact => fact.Group).ToDictionary(group => groupOf(group.Key), static group => group.OrderBy(static fact => fact.Fact.Key).ToList());
        var tagged = tags.ToLookup(tag => groupOf(tag.Group));
        var groups = new List<GroupFold>();
        var members = new List<(long, PersonKey)>();
        foreach (var group in moved.Union(byGroup.Keys).Union(tagged.Select(static tag => tag.Key)).OrderBy(static group => group.Id))
        {
            var own = byGroup.GetValueOrDefault(group) ?? [];
            var isMoved = moved.Contains(group);
            var after = !isMoved && own.All(fact => group.Checkpoint is { } checkpoint && checkpoint.IsBefore(fact.Fact)) ? group.Checkpoint : null;
            var fold = new GroupFold(group, ModeOf(group, own, isMoved, tagged.Contains(group)), own, after?.Key);
            groups.Add(fold);
            if (!NeedsAll(fold) && fold.Mode != FoldMode.Unchanged)
                members.AddRange(People(fold, tagged[group], identityOf(group.Key.Tenant)).Distinct().Select(person => (group.Id, new PersonKey(group.Key.Tenant, person))));
        }
        return new FoldPlan(groups, members);
    }

    private static FoldMode ModeOf(GroupRow group, List<FactRow> facts, bool isMoved, bool isTagged)
    {
        if (isMoved || facts.Any(fact => group.Folded is { } folded && fact.Fact.Key.CompareTo(folded) <= 0)
            || facts.Any(fact => group.MayHoldTwinOf(fact.Fact)))
            return FoldMode.Refold;
        // A phone that stands alone may belong to somebody else at the time of the later fact.
        return !isTagged && facts.All(fact => fact.Roster is { } roster && roster == group.FoldedRoster && !fact.HasAliases)
            ? FoldMode.Unchanged
            : FoldMode.Advance;
    }

    private static bool NeedsAll(GroupFold group) =>
        group.Mode == FoldMode.Refold || (group.Mode == FoldMode.Advance && group.Facts.Any(static fact => fact.Roster is not null));

    private static IEnumerable<string> People(GroupFold group, IEnumerable<TagSeen> tags, Identity identity) =>
        group.Facts.SelectMany(static fact => fact.Fact.Entries, (fact, entry) => identity.Person(entry, fact.Fact.Key.OrderAt))
            .Concat(tags.Select(tag => identity.Person(tag.Member, tag.Key.OrderAt)));
}
