using Npgsql;
using WhatsAppMesh.Membership.Events;
using WhatsAppMesh.Membership.Facts;

namespace WhatsAppMesh.Membership.Store;

/// <summary>Reads and writes identity_pairs: which phone was seen beside which LID since when, and what operators decided.</summary>
internal sealed class IdentityTable
{
    private sealed class PairRow
    {
        public DateTimeOffset? Since;
        public bool IsUnlinked;
        public FactKey? Decided;

        public bool Counts => Since is not null && !IsUnlinked;
    }

    private const string Columns = "p.tenant, p.phone, p.lid, p.since, p.is_unlinked, p.decided_order_at, p.decided_log, p.decided_position";

    private readonly Dictionary<PersonKey, Dictionary<string, PairRow>> _pairs = [];
    private readonly HashSet<(PersonKey Phone, string Lid)> _changed = [];
    private readonly Dictionary<string, Identity> _identities = new(StringComparer.Ordinal);

    /// <summary>Phones whose owner may be another one than the stored tables say, at some time at least.</summary>
    public HashSet<PersonKey> Moved { get; } = [];

    /// <summary>Loads every pair of the phones.</summary>
    public void Load(RoundTrip trip, IReadOnlyCollection<PersonKey> phones)
    {
        if (phones.Count == 0)
            return;
        trip.Read($"""
            select {Columns} from unnest($1::text[], $2::text[]) k(tenant, phone)
            cross join lateral (select * from identity_pairs where tenant = k.tenant and phone = k.phone offset 0) p
            """, ReadRow, phones.Select(static phone => phone.Tenant).ToArray(), phones.Select(static phone => phone.Jid).ToArray());
    }

    /// <summary>Loads every pair of the phones that stand alone in the groups.</summary>
    public void LoadMentioned(RoundTrip trip, long[] groups) => trip.Read($"""
        select {Columns} from (
            select distinct m.tenant, m.phone from unnest($1::bigint[]) k(id)
            cross join lateral (select tenant, phone from group_phone_mentions where group_id = k.id offset 0) m) m
        cross join lateral (select * from identity_pairs where tenant = m.tenant and phone = m.phone offset 0) p
        """, ReadRow, groups);

    /// <summary>Loads every pair of the phones that carry a label in the groups.</summary>
    public void LoadLabelled(RoundTrip trip, long[] groups) => trip.Read($"""
        select {Columns} from (
            select g.tenant, t.jid from unnest($1::bigint[]) k(id)
            cross join lateral (select jid from group_tags where group_id = k.id and jid not like '%@lid' offset 0) t
            cross join lateral (select tenant from whatsapp_groups where id = k.id limit 1) g) t
        cross join lateral (select * from identity_pairs where tenant = t.tenant and phone = t.jid offset 0) p
        """, ReadRow, groups);

    /// <summary>Takes what the batch says. All phones must have been loaded.</summary>
    public void Merge(IEnumerable<PairSeen> seen, IEnumerable<PairDecision> decisions)
    {
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
                select new IdentityPair(phone.Key.Jid, pair.Key, pair.Value.Since!.Value));
        }
        return identity;
    }

    /// <summary>Writes the pairs that changed.</summary>
    public void Save(RoundTrip trip)
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

    private void Change(PersonKey phone, string lid)
    {
        _changed.Add((phone, lid));
        Moved.Add(phone);
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
}
