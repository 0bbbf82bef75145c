namespace WhatsAppMesh.Membership.Facts;

/// <summary>
/// The twins among the facts of one group: who came, went or changed role, told with a time and told without. Depends on the set of
/// facts and on who is who alone.
/// </summary>
public sealed class RosterTwins
{
    private static readonly IReadOnlyList<Fact> None = [];

    private readonly HashSet<(FactKey Fact, string Person)> _told = [];
    private readonly Dictionary<(FactKey Fact, string Person), List<Fact>> _twins = [];
    private readonly List<(FactKey, FactKey)> _pairs = [];

    private RosterTwins()
    {
    }

    /// <summary>Keys of facts that tell of one change.</summary>
    public IReadOnlyList<(FactKey One, FactKey Other)> Pairs => _pairs;

    /// <summary>Finds the twins among facts.</summary>
    public static RosterTwins Of(IReadOnlyList<Fact> facts, Identity identity)
    {
        var twins = new RosterTwins();
        var changes = new Dictionary<(FactKind Kind, string Person), List<Fact>>();
        foreach (var fact in facts.Where(static fact => fact.IsChange))
        {
            foreach (var entry in fact.Entries)
            {
                var change = (fact.Kind, identity.Person(entry, fact.Key.OrderAt));
                if (!changes.TryGetValue(change, out var told))
                    changes[change] = told = [];
                // One event may name a person twice.
                if (told.Count == 0 || told[^1] != fact)
                    told.Add(fact);
            }
        }
        foreach (var ((_, person), told) in changes.Where(static change => change.Value.Count > 1))
            twins.Match(person, told);
        return twins;
    }

    /// <summary>True when an untimed fact tells of a person what a timed one tells too: then it moves, opens and ends nothing.</summary>
    public bool HasTwin(Fact untimed, string person) => _told.Contains((untimed.Key, person));

    /// <summary>The untimed facts that tell of a person what this timed one tells.</summary>
    public IReadOnlyList<Fact> TwinsOf(Fact timed, string person) => _twins.GetValueOrDefault((timed.Key, person)) ?? None;

    private void Match(string person, List<Fact> told)
    {
        foreach (var (timed, untimed) in Twins.Match(told.ConvertAll(static fact => new Telling(fact.Key, fact.IsUntimed, fact.ReceivedAt, fact.Source))))
        {
            var key = (told[timed].Key, person);
            if (!_twins.TryGetValue(key, out var twins))
                _twins[key] = twins = [];
            twins.Add(told[untimed]);
            _told.Add((told[untimed].Key, person));
            _pairs.Add((told[timed].Key, told[untimed].Key));
        }
    }
}
