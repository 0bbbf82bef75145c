namespace WhatsAppMesh.Membership.Facts;

/// <summary>
/// Whose the phones are that people changed. Each change ends one person's time with the old phone and begins the same person's time
/// with the new one; a phone that was given up still stands for its last owner, until somebody else is seen with it. LIDs decide:
/// <list type="bullet">
/// <item>whom the old phone was the LID's of, the new one is from the change on;</item>
/// <item>an old phone without a LID is the LID's of the new one, whenever that is learned;</item>
/// <item>with a LID each, nobody is anybody else;</item>
/// <item>without any LID the person is known by the phone they have now.</item>
/// </list>
/// </summary>
internal sealed class NumberTimelines
{
    /// <summary>
    /// How far the time of a change and of a pair may lie apart and still be about the same moment: what is untimed is ordered
    /// <see cref="Untimed.Offset"/> before its reception.
    /// </summary>
    private static readonly TimeSpan Tolerance = Untimed.Offset;

    private static readonly TimeSpan Instant = TimeSpan.FromMicroseconds(1);

    private enum Beginning
    {
        /// <summary>Before the phone's first change.</summary>
        Base,

        /// <summary>Somebody came to the phone.</summary>
        Taken,

        /// <summary>Its owner left the phone.</summary>
        GivenUp,
    }

    /// <summary>A person, whose LID may be learned from any of the phones.</summary>
    private sealed class Holder
    {
        public string? Lid;

        /// <summary>Without a LID: the phone that stands for the person.</summary>
        public string? Phone;

        public bool IsKnown => Lid is not null || Phone is not null;

        public string Name => Lid ?? Phone!;
    }

    /// <summary>A phone's time between two changes, with the pairs seen in it.</summary>
    private sealed class Piece(Beginning kind, DateTimeOffset start, int move)
    {
        public Beginning Kind => kind;
        public DateTimeOffset Start => start;
        public int Move => move;
        public List<IdentityPair> Pairs { get; } = [];

        /// <summary>Whose the phone is when the time begins, and when it ends.</summary>
        public Holder Head = new();
        public Holder Tail = new();

        public bool Covers(DateTimeOffset at) => kind switch
        {
            Beginning.Taken => at >= start - Tolerance,
            Beginning.GivenUp => at > start + Tolerance,
            _ => true,
        };
    }

    private readonly record struct Move(string Old, string New, DateTimeOffset At);

    /// <summary>What a move did: from which piece of the old phone to which of the new one.</summary>
    private readonly record struct Step(Move Move, Piece From, Piece Given, Piece Before, Piece Taken);

    private readonly Dictionary<string, List<Piece>> _phones = new(StringComparer.Ordinal);
    private readonly List<Step> _steps = [];
    private readonly List<(Holder Person, string Lid)> _guesses = [];

    private NumberTimelines()
    {
    }

    /// <summary>The tenures of every phone that a change names.</summary>
    /// <param name="changes">The changes.</param>
    /// <param name="pairs">Pairs by phone, in the order of their times.</param>
    public static IEnumerable<(string Phone, List<Tenure> Tenures)> Of(
        IEnumerable<NumberChange> changes, IReadOnlyDictionary<string, List<IdentityPair>> pairs)
    {
        var moves = changes.Where(static change => change.OldPhone != change.NewPhone).SelectMany(static change => new[]
        {
            new Move(change.OldPhone, change.NewPhone, change.First), new Move(change.OldPhone, change.NewPhone, change.Last),
        }).Distinct().OrderBy(static move => move.At)
            .ThenBy(static move => move.Old, StringComparer.Ordinal).ThenBy(static move => move.New, StringComparer.Ordinal);
        var lines = new NumberTimelines();
        foreach (var move in moves)
            lines.Cut(move);
        lines.Assign(pairs);
        lines.NameByLid();
        lines.NameByPhone();
        return lines._phones.Select(phone => (phone.Key, TenuresOf(phone.Value)));
    }

    private void Cut(Move move)
    {
        var (old, taken) = (PiecesOf(move.Old), PiecesOf(move.New));
        var (from, before) = (old[^1], taken[^1]);
        old.Add(new Piece(Beginning.GivenUp, move.At, _steps.Count));
        taken.Add(new Piece(Beginning.Taken, move.At, _steps.Count));
        _steps.Add(new Step(move, from, old[^1], before, taken[^1]));
    }

    private List<Piece> PiecesOf(string phone)
    {
        if (!_phones.TryGetValue(phone, out var pieces))
            _phones[phone] = pieces = [new Piece(Beginning.Base, DateTimeOffset.MinValue, -1)];
        return pieces;
    }

    private void Assign(IReadOnlyDictionary<string, List<IdentityPair>> pairs)
    {
        foreach (var (phone, pieces) in _phones)
        {
            foreach (var pair in pairs.GetValueOrDefault(phone) ?? [])
                pieces.FindLast(piece => piece.Covers(pair.Since))!.Pairs.Add(pair);
            var first = pieces[0];
            if (first.Pairs.Count > 0)
                (first.Head, first.Tail) = (Named(first.Pairs[0]), Named(first.Pairs[^1]));
            else
                first.Tail = first.Head;
        }
    }

    private void NameByLid()
    {
        foreach (var (move, from, given, before, taken) in _steps)
        {
            var person = from.Tail;
            (given.Head, given.Tail) = (person, given.Pairs.Count > 0 ? Named(given.Pairs[^1]) : person);
            if (taken.Pairs.Count == 0)
            {
                (taken.Head, taken.Tail) = (person, person);
                // A change may be told long after it happened, and a LID have been seen beside the new phone meanwhile.
                if (person.Lid is null && before is { Kind: Beginning.Base, Pairs.Count: > 0 })
                    _guesses.Add((person, before.Pairs[^1].Lid));
            }
            else
            {
                person.Lid ??= taken.Pairs[0].Lid;
                (taken.Head, taken.Tail) = (taken.Pairs[0].Since <= move.At + Tolerance ? Named(taken.Pairs[0]) : person, Named(taken.Pairs[^1]));
            }
            // As with pairs: before somebody is known to have it, a phone is that of the first who is.
            if (before is { Kind: Beginning.Base, Pairs.Count: 0 })
                (before.Head, before.Tail) = (taken.Head, taken.Head);
        }
        foreach (var (person, lid) in _guesses)
            person.Lid ??= lid;
    }

    private void NameByPhone()
    {
        // The phone that a person has; else the one given up last, when nobody else has it.
        var present = _phones.Where(static phone => phone.Value[^1].Tail.Lid is null)
            .OrderByDescending(static phone => phone.Value[^1].Kind == Beginning.Taken).ThenByDescending(static phone => phone.Value[^1].Move)
            .ThenBy(static phone => phone.Key, StringComparer.Ordinal);
        foreach (var (phone, pieces) in present)
            pieces[^1].Tail.Phone ??= phone;
        // Others have all their phones now, and no LID tells them apart: they are taken for whoever has the last of these.
        foreach (var step in _steps.AsEnumerable().Reverse())
        {
            var (gone, owner) = (step.Taken.Head, _phones[step.Move.New][^1].Tail);
            if (!gone.IsKnown)
                (gone.Lid, gone.Phone) = (owner.Lid, owner.Phone);
        }
    }

    private static List<Tenure> TenuresOf(List<Piece> pieces)
    {
        var tenures = new List<Tenure>();
        foreach (var piece in pieces)
        {
            if (piece.Kind == Beginning.Taken)
                tenures.Add(new Tenure(piece.Start, piece.Head.Name, piece.Head.Lid is null ? null : piece.Start));
            else if (piece.Kind == Beginning.Base && piece.Pairs.Count == 0)
                tenures.Add(new Tenure(piece.Start, piece.Head.Name, null));
            else if (piece.Kind == Beginning.GivenUp && tenures[^1].Since >= piece.Start)
                tenures[^1] = tenures[^1] with { Since = piece.Start - Instant };
            foreach (var pair in piece.Pairs)
            {
                var from = pair.Since > piece.Start ? pair.Since : piece.Start;
                if (piece.Kind != Beginning.Taken || tenures[^1].Person != pair.Lid)
                    tenures.Add(new Tenure(from, pair.Lid, from));
            }
        }
        return tenures;
    }

    private static Holder Named(IdentityPair pair) => new() { Lid = pair.Lid };
}
