using Npgsql;
using WhatsAppMesh.Events;
using WhatsAppMesh.Membership.Events;
using WhatsAppMesh.Membership.Facts;

namespace WhatsAppMesh.Membership.Store;

/// <summary>What the application of a batch came to.</summary>
internal readonly record struct BatchOutcome(int Facts, int Advanced, int Refolded, int Unchanged, int Joins);

/// <summary>
/// Applies the observations of one batch inside its transaction: stores facts, pairs and sightings, folds the groups concerned, and
/// writes the tables where they differ. Six round trips and a fixed set of statements, however many events, groups and members;
/// two round trips more where somebody changed their number.
/// One instance serves one batch.
/// </summary>
internal sealed class MembershipStore(NpgsqlTransaction transaction, MembershipOptions options)
{
    /// <summary>Advisory lock of whoever writes. Two logs have an account row each, but share groups and people: batches take turns here as well.</summary>
    public const long TurnLock = 0x6D656D62;

    private readonly GroupTable _groups = new();
    private readonly ProfileTable _profiles = new();
    private readonly IdentityTable _identity = new();
    private readonly PeopleTable _people = new();
    private readonly FactTable _facts = new();
    private readonly CheckpointTable _checkpoints = new();
    private readonly TagTable _tags = new();
    private readonly MemberTable _members = new();
    private readonly JoinTable _joins = new(options.JoinHold);

    /// <summary>Applies the observations.</summary>
    public async Task<BatchOutcome> ApplyAsync(Observations seen, CancellationToken cancellationToken)
    {
        var facts = seen.Facts.ConvertAll(FactRow.From);
        await LoadGroupsAsync(seen, facts, cancellationToken);
        await LoadPeopleAsync(seen, facts, cancellationToken);
        MergePeople(seen, facts);

        var mentioning = new HashSet<long>();
        var trip = new RoundTrip(transaction);
        _groups.Create(trip);
        _identity.Save(trip);
        if (_identity.Moved.Count > 0)
            _groups.LoadMentioning(trip, _identity.Moved, mentioning);
        await trip.SendAsync(cancellationToken);

        var plan = FoldPlan.Of(facts, seen.Tags, key => _groups[key], mentioning.Select(id => _groups[id]), _identity.Of);
        await FoldAsync(seen, facts, plan, cancellationToken);
        return new BatchOutcome(facts.Count, plan.Count(FoldMode.Advance), plan.Count(FoldMode.Refold), plan.Count(FoldMode.Unchanged), _joins.Announced);
    }

    /// <summary>Folds groups again from their first fact, after stored facts, pairs or sightings were rewritten.</summary>
    /// <param name="jids">JIDs that may be another one's now; those who owned them and who own them are summed up again.</param>
    /// <param name="groups">Ids of the groups. The caller has the turn.</param>
    public async Task FoldAgainAsync(IReadOnlyCollection<PersonKey> jids, long[] groups, CancellationToken cancellationToken)
    {
        var trip = new RoundTrip(transaction);
        _groups.Load(trip, groups);
        _identity.Load(trip, jids.Where(static jid => Jid.Parse(jid.Jid).IsPhone).ToArray());
        _people.Load(trip, jids);
        await trip.SendAsync(cancellationToken);
        trip = new RoundTrip(transaction);
        _profiles.Load(trip, [.. groups.Select(id => _groups[id].Key)]);
        await trip.SendAsync(cancellationToken);
        _profiles.Rewrite();
        await _identity.LoadLinkedAsync(transaction, _people, cancellationToken);
        _people.Rewrite();
        _people.Own(_identity.Of);
        var plan = FoldPlan.Of([], [], key => _groups[key], groups.Select(id => _groups[id]), _identity.Of);
        await FoldAsync(new Observations(), [], plan, cancellationToken);
    }

    private async Task FoldAsync(Observations seen, List<FactRow> facts, FoldPlan plan, CancellationToken cancellationToken)
    {
        await StoreFactsAsync(seen, facts, plan, cancellationToken);
        var candidates = new List<JoinCandidate>();
        foreach (var group in plan.Groups)
            FoldGroup(group, candidates);
        await WriteAsync(seen, candidates, cancellationToken);
    }

    private long IdOf(GroupKey key) => _groups[key].Id;

    private async Task LoadGroupsAsync(Observations seen, List<FactRow> facts, CancellationToken cancellationToken)
    {
        var trip = new RoundTrip(transaction);
        trip.Read("select pg_advisory_xact_lock($1)", static _ => { }, TurnLock);
        _groups.Load(trip, seen.Groups.Select(static group => group.Group).Distinct().ToArray());
        _profiles.Load(trip, [.. seen.Groups.Where(static group => group.Fields.Count > 0).Select(static group => group.Group)
            .Concat(seen.FieldChanges.Select(static change => change.Group)).Distinct()]);
        FactTable.LoadKnownRosters(trip, facts);
        await trip.SendAsync(cancellationToken);
        foreach (var group in seen.Groups)
            _groups[group.Group].See(group);
        _profiles.Merge(seen);
    }

    private async Task LoadPeopleAsync(Observations seen, List<FactRow> facts, CancellationToken cancellationToken)
    {
        var jids = new HashSet<PersonKey>();
        foreach (var fact in facts.Where(static fact => !fact.IsCovered))
        {
            foreach (var entry in fact.Fact.Entries)
                AddBoth(fact.Group.Tenant, entry.Lid, entry.Phone);
        }
        foreach (var pair in seen.Pairs)
            AddBoth(pair.Tenant, pair.Lid, pair.Phone);
        foreach (var decision in seen.Decisions)
            AddBoth(decision.Tenant, decision.Lid, decision.Phone);
        foreach (var tag in seen.Tags)
            AddBoth(tag.Group.Tenant, tag.Member.Lid, tag.Member.Phone);
        jids.UnionWith(seen.NumberChanges.SelectMany(static change => change.Phones));
        jids.UnionWith(seen.Sightings.Select(static sighting => sighting.Person));
        jids.UnionWith(seen.Usernames.Select(static username => username.Person));

        var trip = new RoundTrip(transaction);
        _identity.Load(trip, jids.Where(static jid => Jid.Parse(jid.Jid).IsPhone).ToArray());
        _people.Load(trip, jids);
        await trip.SendAsync(cancellationToken);
        await _identity.LoadLinkedAsync(transaction, _people, cancellationToken);

        void AddBoth(string tenant, string? lid, string? phone)
        {
            if (lid is not null)
                jids.Add(new PersonKey(tenant, lid));
            if (phone is not null)
                jids.Add(new PersonKey(tenant, phone));
        }
    }

    private void MergePeople(Observations seen, List<FactRow> facts)
    {
        var pairs = new List<PairSeen>(seen.Pairs);
        foreach (var row in facts.Where(static fact => !fact.IsCovered))
        {
            foreach (var entry in row.Fact.Entries)
            {
                _people.Mention(new PersonKey(row.Group.Tenant, entry.Jid), row.Fact.At);
                if (entry is { Lid: { } lid, Phone: { } phone })
                    pairs.Add(new PairSeen(row.Group.Tenant, phone, lid, row.Fact.Key.OrderAt));
            }
        }
        foreach (var pair in pairs)
        {
            _people.Know(new PersonKey(pair.Tenant, pair.Lid));
            _people.Know(new PersonKey(pair.Tenant, pair.Phone));
        }
        foreach (var phone in seen.NumberChanges.SelectMany(static change => change.Phones))
            _people.Know(phone);
        foreach (var sighting in seen.Sightings)
            _people.See(sighting);
        foreach (var username in seen.Usernames)
            _people.Call(username);
        _identity.Merge(pairs, seen.Decisions, seen.NumberChanges);
        _people.Own(_identity.Of);
    }

    private async Task StoreFactsAsync(Observations seen, List<FactRow> facts, FoldPlan plan, CancellationToken cancellationToken)
    {
        var whole = plan.WholeGroups;
        var trip = new RoundTrip(transaction);
        FactTable.Save(trip, facts, IdOf);
        FactTable.SaveMentions(trip,
        [
            .. from row in facts where !row.IsCovered from entry in row.Fact.Entries where entry.Lid is null
               select (new PersonKey(row.Group.Tenant, entry.Phone!), IdOf(row.Group)),
            .. from tag in seen.Tags where tag.Member.Lid is null select (new PersonKey(tag.Group.Tenant, tag.Member.Phone!), IdOf(tag.Group)),
        ]);
        TagTable.Save(trip, seen.Tags, IdOf);
        JoinTable.Confirm(trip, seen.Joins, IdOf);
        _facts.Load(trip, plan.Refolds);
        _checkpoints.Load(trip, [.. plan.Refolds.Where(static group => group.After is not null).Select(static group => group.Group)]);
        _members.Load(trip, whole);
        _members.Load(trip, plan.Members);
        if (whole.Length > 0)
            _identity.LoadMentioned(trip, whole);
        var some = plan.Members.Select(static member => member.Group).Distinct().ToArray();
        if (some.Length > 0)
            _identity.LoadLabelled(trip, some);
        if (some.Length + whole.Length > 0)
            _tags.Load(trip, [.. whole, .. some]);
        await trip.SendAsync(cancellationToken);
        await _identity.LoadLinkedAsync(transaction, null, cancellationToken);
    }

    private void FoldGroup(GroupFold group, List<JoinCandidate> candidates)
    {
        var row = group.Group;
        var identity = _identity.Of(row.Key.Tenant);
        row.Folded = group.Newest(_facts.Of(row.Id)) ?? row.Folded;
        row.FoldedRoster = group.Mode == FoldMode.Refold ? _facts.LastRoster(row.Id) : group.LastRoster ?? (group.Facts.Count > 0 ? null : row.FoldedRoster);
        row.Receive(group.Facts.Select(static fact => fact.Fact));
        row.IsChanged = true;
        if (group.Mode == FoldMode.Unchanged)
            return;

        var stored = _members.Stored(row.Id);
        var fold = group.Mode == FoldMode.Refold ? Refold(group, identity) : Advance(group, identity, stored);
        if (fold.HasLastListYielded)
            row.FoldedRoster = null;
        var labels = _tags.Of(row.Id, identity);
        foreach (var (person, state) in fold.Members)
            PutMember(row, person, state, labels, candidates);
        foreach (var person in stored.Keys.Where(person => !fold.Members.ContainsKey(person)))
            _members.Put(row.Id, person, null);
    }

    private static Fold Advance(GroupFold group, Identity identity, IReadOnlyDictionary<string, MemberRow> stored)
    {
        var twins = RosterTwins.Of(group.Facts.ConvertAll(static fact => fact.Fact), identity);
        var fold = new Fold(identity, twins, stored.ToDictionary(static member => member.Key, static member => member.Value.State.Copy(), StringComparer.Ordinal));
        foreach (var fact in group.Facts)
            fold.Apply(fact.Fact);
        return fold;
    }

    private Fold Refold(GroupFold group, Identity identity)
    {
        var id = group.Group.Id;
        var facts = _facts.Of(id);
        var twins = RosterTwins.Of(facts, identity);
        var fold = new Fold(identity, twins, group.After is null ? null : _checkpoints.Of(id));
        var settled = Settled(facts, twins);
        for (var i = 0; i < facts.Count; i++)
        {
            fold.Apply(facts[i]);
            if (i == settled - 1)
                _checkpoints.Make(id, MarkAt(facts.GetRange(0, settled), group), fold.Members);
        }
        if (settled == 0 && group.After is null && group.Group.Checkpoint is not null)
            _checkpoints.Drop(id);
        return fold;
    }

    /// <summary>
    /// How many of the facts may go into a checkpoint: those so much older than the newest that hardly anything will come in before them,
    /// and no fact without its twin. 0 when they are not worth one.
    /// </summary>
    private int Settled(List<Fact> facts, RosterTwins twins)
    {
        if (facts.Count == 0)
            return 0;
        var settled = facts.FindLastIndex(fact => fact.Key.OrderAt <= facts[^1].Key.OrderAt - options.CheckpointAge) + 1;
        var places = facts.Select(static (fact, place) => (fact.Key, place)).ToDictionary(static fact => fact.Key, static fact => fact.place);
        var pairs = twins.Pairs.Select(pair => (First: Math.Min(places[pair.One], places[pair.Other]), Last: Math.Max(places[pair.One], places[pair.Other])))
            .OrderByDescending(static pair => pair.Last).ToList();
        foreach (var (first, last) in pairs)
        {
            if (first < settled && settled <= last)
                settled = first;
        }
        return settled < options.CheckpointFacts ? 0 : settled;
    }

    private static CheckpointMark MarkAt(List<Fact> facts, GroupFold group)
    {
        var received = facts.Where(static fact => fact.IsChange).Max(static fact => (DateTimeOffset?)fact.ReceivedAt);
        var before = group.After is null ? null : group.Group.Checkpoint!.Value.ReceivedUntil;
        return new CheckpointMark(facts[^1].Key, before > received || received is null ? before : received);
    }

    private void PutMember(GroupRow group, string person, MemberState state, Dictionary<string, string> labels, List<JoinCandidate> candidates)
    {
        var key = new PersonKey(group.Key.Tenant, person);
        var folded = new MemberRow { State = state, Tag = labels.GetValueOrDefault(person) };
        var changed = _members.Put(group.Id, person, folded);
        if (_members.Stored(group.Id).TryGetValue(person, out var stored))
            folded.ParticipantId = stored.ParticipantId;
        else
            _people.Want(key, id => folded.ParticipantId = id);
        foreach (var stay in changed.Where(static stay => stay.Evidence.Count > 0))
            candidates.Add(new JoinCandidate(group, person, _identity.Of(key.Tenant).PhoneOf(person), stay));
    }

    private async Task WriteAsync(Observations seen, List<JoinCandidate> candidates, CancellationToken cancellationToken)
    {
        var trip = new RoundTrip(transaction);
        _people.Find(trip);
        _joins.Load(trip, candidates);
        await trip.SendAsync(cancellationToken);

        _joins.Decide(candidates, seen.IsHistory);
        trip = new RoundTrip(transaction);
        _members.Save(trip);
        _people.Save(trip);
        _groups.Save(trip);
        _profiles.Save(trip, IdOf);
        _checkpoints.Save(trip);
        _joins.Save(trip);
        JoinTable.CancelTold(trip, seen.Joins.Select(join => IdOf(join.Group)).Distinct().ToArray());
        await trip.SendAsync(cancellationToken);
    }
}
