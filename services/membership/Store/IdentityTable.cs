using Npgsql;
using WhatsAppMesh.Membership.Events;
using WhatsAppMesh.Membership.Facts;

namespace WhatsAppMesh.Membership.Store;

/// <summary>
/// Reads and writes identity_pairs and number_changes: which phone was seen beside which LID since when, what operators decided, and who
/// gave up which phone for which. A phone is loaded with everything that changes of number lead to from it, in either direction.
/// </summary>
internal sealed class IdentityTable
{
    private sealed class PairRow
    {
        public DateTimeOffset? Since;
        public bool IsUnlinked;
        public FactKey? Decided;

        public bool Counts => Since is not null && !IsUnlinked;
    }

    private sealed class ChangeRow
    {
        public DateTimeOffset First;
        public DateTimeOffset Last;
    }

    private readonly record struct ChangeKey(string Tenant, string OldPhone, string NewPhone);

    private const string Columns = "p.tenant, p.phone, p.lid, p.since, p.is_unlinked, p.decided_order_at, p.decided_log, p.decided_position";

    private readonly Dictionary<PersonKey, Dictionary<string, PairRow>> _pairs = [];
    private readonly HashSet<(PersonKey Phone, string Lid)> _changed = [];
    private readonly Dictionary<ChangeKey, ChangeRow> _changes = [];
    private readonly HashSet<ChangeKey> _changedChanges = [];
    private readonly HashSet<PersonKey> _moved = [];
    private readonly HashSet<PersonKey> _withPairs = [];
    private readonly Dictionary<string, Identity> _identities = new(StringComparer.Ordinal);

    /// <summary>Phones whose owner may be another one than the stored tables say, at some time at least. All that they lead to are loaded.</summary>
    public IReadOnlyCollection<PersonKey> Moved => _moved.Count == 0 || _changes.Count == 0 ? _moved : Reached();

    /// <summary>
    /// Loads every pair of the phones, and every change of number that they lead to. <see cref="LoadLinkedAsync"/> must follow.
    /// </summary>
    public void Load(RoundTrip trip, IReadOnlyCollection<PersonKey> phones)
    {
        if (phones.Count == 0)
            return;
        LoadPairs(trip, phones);
        LoadChanges(trip, "select * from unnest($1::text[], $2::text[]) k(tenant, phone)",
            phones.Select(static phone => phone.Tenant).ToArray(), phones.Select(static phone => phone.Jid).ToArray());
    }

    /// <summary>
    /// Loads the pairs of the phones that the loaded changes lead to: a round trip more, when somebody changed their number.
    /// </summary>
    /// <param name="transaction">The transaction.</param>
    /// <param name="people">What is to be loaded of these phones as well, or null.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    public async Task LoadLinkedAsync(NpgsqlTransaction transaction, PeopleTable? people, CancellationToken cancellationToken)
    {
        var linked = _changes.Keys.SelectMany(Ends).Distinct().Where(phone => !_withPairs.Contains(phone)).ToList();
        if (linked.Count == 0)
            return;
        var trip = new RoundTrip(transaction);
        LoadPairs(trip, linked);
        people?.Load(trip, linked);
        await trip.SendAsync(cancellationToken);
    }

    private void LoadPairs(RoundTrip trip, IReadOnlyCollection<PersonKey> phones)
    {
        _withPairs.UnionWith(phones);
        trip.Read($"""
            select {Columns} from unnest($1::text[], $2::text[]) k(tenant, phone)
            cross join lateral (select * from identity_pairs where tenant = k.tenant and phone = k.phone offset 0) p
            """, ReadRow, phones.Select(static phone => phone.Tenant).ToArray(), phones.Select(static phone => phone.Jid).ToArray());
    }

    /// <summary>Loads every pair of the phones that stand alone in the groups.</summary>
    public void LoadMentioned(RoundTrip trip, long[] groups) => LoadOf(trip, """
        select distinct m.tenant, m.phone from unnest($1::bigint[]) k(id)
        cross join lateral (select tenant, phone from group_phone_mentions where group_id = k.id offset 0) m
        """, groups);

    /// <summary>Loads every pair of the phones that carry a label in the groups.</summary>
    public void LoadLabelled(RoundTrip trip, long[] groups) => LoadOf(trip, """
        select g.tenant, t.jid as phone from unnest($1::bigint[]) k(id)
        cross join lateral (select jid from group_tags where group_id = k.id and jid not like '%@lid' offset 0) t
        cross join lateral (select tenant from whatsapp_groups where id = k.id limit 1) g
        """, groups);

    /// <summary>Takes what the batch says. All phones must have been loaded.</summary>
    public void Merge(IEnumerable<PairSeen> seen, IEnumerable<PairDecision> decisions, IEnumerable<NumberChangeSeen> changes)
    {
        foreach (var change in changes.Where(static change => change.OldPhone != change.NewPhone))
            Merge(new ChangeKey(change.Tenant, change.OldPhone, change.NewPhone), change.At);
        foreach (var pair in seen)
        {
            var row = Row(new PersonKey(pair.Tenant, pair.Phone), pair.Lid);
            if (row.Since <= pair.At)
                continue;
            row.Since = pair.At;
            Change(new PersonKey(pair.Tenant, pair.Phone), pair.Lid);
        }
        foreach (var decision in decisions)
        {
            var row = Row(new PersonKey(decision.Tenant, decision.Phone), decision.Lid);
            if (row.Decided is { } decided && decided.CompareTo(decision.Key) >= 0)
                continue;
            (row.Decided, row.IsUnlinked) = (decision.Key, !decision.IsLinked);
            Change(new PersonKey(decision.Tenant, decision.Phone), decision.Lid);
        }
    }

    /// <summary>Who is who in a tenant, as far as the loaded phones go.</summary>
    public Identity Of(string tenant)
    {
        if (!_identities.TryGetValue(tenant, out var identity))
        {
            _identities[tenant] = identity = new Identity(
                from phone in _pairs
                where phone.Key.Tenant == tenant
                from pair in phone.Value
                where pair.Value.Counts
                select new IdentityPair(phone.Key.Jid, pair.Key, pair.Value.Since!.Value),
                from change in _changes
                where change.Key.Tenant == tenant
                select new NumberChange(change.Key.OldPhone, change.Key.NewPhone, change.Value.First, change.Value.Last));
        }
        return identity;
    }

    /// <summary>Writes the pairs and the changes of number that are new.</summary>
    public void Save(RoundTrip trip)
    {
        SavePairs(trip);
        SaveChanges(trip);
    }

    private void SavePairs(RoundTrip trip)
    {
        if (_changed.Count == 0)
            return;
        var rows = _changed.OrderBy(static key => key.Phone.Tenant, StringComparer.Ordinal).ThenBy(static key => key.Phone.Jid, StringComparer.Ordinal)
            .ThenBy(static key => key.Lid, StringComparer.Ordinal).Select(key => (Key: key, Row: _pairs[key.Phone][key.Lid])).ToArray();
        trip.Run("""
            insert into identity_pairs (tenant, phone, lid, since, is_unlinked, decided_order_at, decided_log, decided_position)
            select * from unnest($1::text[], $2::text[], $3::text[], $4::timestamptz[], $5::boolean[], $6::timestamptz[], $7::int[], $8::bigint[])
            on conflict (tenant, phone, lid) do update set since = excluded.since, is_unlinked = excluded.is_unlinked,
                decided_order_at = excluded.decided_order_at, decided_log = excluded.decided_log, decided_position = excluded.decided_position
            """,
            rows.Select(static row => row.Key.Phone.Tenant).ToArray(), rows.Select(static row => row.Key.Phone.Jid).ToArray(),
            rows.Select(static row => row.Key.Lid).ToArray(), rows.Select(static row => row.Row.Since).ToArray(),
            rows.Select(static row => row.Row.IsUnlinked).ToArray(), rows.Select(static row => row.Row.Decided?.OrderAt).ToArray(),
            rows.Select(static row => row.Row.Decided?.Log).ToArray(), rows.Select(static row => row.Row.Decided?.Position).ToArray());
    }

    private void SaveChanges(RoundTrip trip)
    {
        if (_changedChanges.Count == 0)
            return;
        var keys = _changedChanges.OrderBy(static key => key.Tenant, StringComparer.Ordinal)
            .ThenBy(static key => key.OldPhone, StringComparer.Ordinal).ThenBy(static key => key.NewPhone, StringComparer.Ordinal).ToArray();
        trip.Run("""
            insert into number_changes (tenant, old_phone, new_phone, first_at, last_at)
            select * from unnest($1::text[], $2::text[], $3::text[], $4::timestamptz[], $5::timestamptz[])
            on conflict (tenant, old_phone, new_phone) do update set first_at = excluded.first_at, last_at = excluded.last_at
            """,
            keys.Select(static key => key.Tenant).ToArray(), keys.Select(static key => key.OldPhone).ToArray(),
            keys.Select(static key => key.NewPhone).ToArray(),
            keys.Select(key => _changes[key].First).ToArray(), keys.Select(key => _changes[key].Last).ToArray());
    }

    private void LoadOf(RoundTrip trip, string phones, long[] groups)
    {
        trip.Read($"""
            select {Columns} from ({phones}) k
            cross join lateral (select * from identity_pairs where tenant = k.tenant and phone = k.phone offset 0) p
            """, ReadRow, groups);
        LoadChanges(trip, phones, groups);
    }

    // Union, not union all: numbers go back and forth.
    private void LoadChanges(RoundTrip trip, string phones, params object[] parameters) => trip.Read($"""
        with recursive reached(tenant, phone) as (
            select k.tenant, k.phone from ({phones}) k
            union
            select r.tenant, c.phone from reached r cross join lateral (
                select new_phone as phone from number_changes where tenant = r.tenant and old_phone = r.phone
                union all
                select old_phone from number_changes where tenant = r.tenant and new_phone = r.phone offset 0) c)
        select c.tenant, c.old_phone, c.new_phone, c.first_at, c.last_at from reached r
        cross join lateral (select * from number_changes where tenant = r.tenant and old_phone = r.phone offset 0) c
        """, ReadChange, parameters);

    private void Merge(ChangeKey key, DateTimeOffset at)
    {
        if (!_changes.TryGetValue(key, out var row))
            _changes[key] = row = new ChangeRow { First = at, Last = at };
        else if (at >= row.First && at <= row.Last)
            return;
        (row.First, row.Last) = (at < row.First ? at : row.First, at > row.Last ? at : row.Last);
        _changedChanges.Add(key);
        _moved.UnionWith(Ends(key));
        _identities.Remove(key.Tenant);
    }

    private static PersonKey[] Ends(ChangeKey change) =>
        [new PersonKey(change.Tenant, change.OldPhone), new PersonKey(change.Tenant, change.NewPhone)];

    private HashSet<PersonKey> Reached()
    {
        var neighbours = _changes.Keys.Select(Ends).SelectMany(static ends => new[] { (From: ends[0], To: ends[1]), (From: ends[1], To: ends[0]) })
            .ToLookup(static step => step.From, static step => step.To);
        var reached = new HashSet<PersonKey>(_moved);
        var next = new Queue<PersonKey>(_moved);
        while (next.TryDequeue(out var phone))
        {
            foreach (var neighbour in neighbours[phone].Where(reached.Add))
                next.Enqueue(neighbour);
        }
        return reached;
    }

    private void Change(PersonKey phone, string lid)
    {
        _changed.Add((phone, lid));
        _moved.Add(phone);
        _identities.Remove(phone.Tenant);
    }

    private PairRow Row(PersonKey phone, string lid)
    {
        if (!_pairs.TryGetValue(phone, out var lids))
            _pairs[phone] = lids = new Dictionary<string, PairRow>(StringComparer.Ordinal);
        if (!lids.TryGetValue(lid, out var row))
            lids[lid] = row = new PairRow();
        return row;
    }

    private void ReadRow(NpgsqlDataReader row)
    {
        var phone = new PersonKey(row.GetString(0), row.GetString(1));
        var pair = Row(phone, row.GetString(2));
        pair.Since = row.TimeOrNull(3);
        pair.IsUnlinked = row.GetBoolean(4);
        if (row.TimeOrNull(5) is { } decided)
            pair.Decided = new FactKey(decided, row.GetInt32(6), row.GetInt64(7), 0);
        _identities.Remove(phone.Tenant);
    }
    private void ReadChange(NpgsqlDataReader row)
    {
        var key = new ChangeKey(row.GetString(0), row.GetString(1), row.GetString(2));
        _changes[key] = new ChangeRow { First = row.Time(3), Last = row.Time(4) };
        _identities.Remove(key.Tenant);
    }
}
