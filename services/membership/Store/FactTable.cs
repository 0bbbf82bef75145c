using Npgsql;
using WhatsAppMesh.Membership.Events;
using WhatsAppMesh.Membership.Facts;

namespace WhatsAppMesh.Membership.Store;

/// <summary>A fact on its way into the table.</summary>
internal sealed class FactRow(GroupFact source)
{
    public GroupKey Group { get; } = source.Group;

    public Fact Fact { get; } = source.Fact;

    /// <summary>Text of the entries; of a roster in an order of its own.</summary>
    public string Entries { get; private set; } = "";

    /// <summary>Fingerprint of a roster.</summary>
    public Guid? Roster { get; private set; }

    /// <summary>True when a stored roster, no younger than this one, already tells all about the identity of the people listed.</summary>
    public bool IsCovered { get; set; }

    /// <summary>True when a phone stands alone in it.</summary>
    public bool HasAliases { get; } = source.Fact.Entries.Any(static entry => entry.Lid is null);

    public static FactRow From(GroupFact source)
    {
        var row = new FactRow(source);
        if (source.Fact.Kind is FactKind.Roster or FactKind.Listing)
            (row.Entries, row.Roster) = EntryText.Roster(source.Fact.Entries, isWhole: source.Fact.Kind == FactKind.Roster);
        else
            row.Entries = EntryText.Write(source.Fact.Entries);
        return row;
    }
}

/// <summary>Reads and writes facts and rosters, and which groups mention which phones.</summary>
internal sealed class FactTable
{
    private const string Wanted = """
        select * from membership_facts
        where group_id = k.id and (order_at, log, position, ordinal) > (k.order_at, k.log, k.position, k.ordinal) and at <= $6
        order by group_id, order_at, log, position, ordinal
        """;

    private readonly Dictionary<long, List<Fact>> _loaded = [];
    private readonly Dictionary<(long Group, Guid Hash), List<Entry>> _rosters = [];
    private readonly Dictionary<long, Guid?> _lastRosters = [];

    /// <summary>Finds out which of the batch's rosters are known.</summary>
    public static void LoadKnownRosters(RoundTrip trip, List<FactRow> facts)
    {
        var rosters = facts.Where(static fact => fact.Roster is not null).GroupBy(static fact => (fact.Group, Hash: fact.Roster!.Value))
            .ToDictionary(static group => group.Key, static group => group.ToList());
        if (rosters.Count == 0)
            return;
        var keys = rosters.Keys.ToArray();
        trip.Read("""
            select k.tenant, k.jid, k.hash, r.oldest_order_at, r.oldest_at
            from unnest($1::text[], $2::text[], $3::uuid[]) k(tenant, jid, hash)
            cross join lateral (select id from whatsapp_groups where tenant = k.tenant and jid = k.jid limit 1) g
            cross join lateral (select oldest_order_at, oldest_at from membership_rosters where group_id = g.id and hash = k.hash limit 1) r
            """, row =>
            {
                foreach (var fact in rosters[(new GroupKey(row.GetString(0), row.GetString(1)), row.GetGuid(2))])
                    fact.IsCovered = fact.Fact.Key.OrderAt >= row.Time(3) && fact.Fact.At >= row.Time(4);
            }, keys.Select(static key => key.Group.Tenant).ToArray(), keys.Select(static key => key.Group.Jid).ToArray(), keys.Select(static key => key.Hash).ToArray());
    }

    /// <summary>Stores the batch's facts. One that is stored already stays as it is.</summary>
    public static void Save(RoundTrip trip, List<FactRow> facts, Func<GroupKey, long> idOf)
    {
        if (facts.Count == 0)
            return;
        SaveRosters(trip, facts, idOf);
        var rows = facts.Select(fact => (Group: idOf(fact.Group), fact.Fact.Key, Row: fact)).OrderBy(static row => row.Group).ThenBy(static row => row.Key).ToArray();
        trip.Run("""
            insert into membership_facts (group_id, order_at, log, position, ordinal, kind, at, untimed, roster, entries, received_at, source)
            select * from unnest($1::bigint[], $2::timestamptz[], $3::int[], $4::bigint[], $5::int[], $6::smallint[], $7::timestamptz[],
                $8::boolean[], $9::uuid[], $10::text[], $11::timestamptz[], $12::text[])
            on conflict do nothing
            """,
            rows.Select(static row => row.Group).ToArray(), rows.Select(static row => row.Key.OrderAt).ToArray(),
            rows.Select(static row => row.Key.Log).ToArray(), rows.Select(static row => row.Key.Position).ToArray(),
            rows.Select(static row => row.Key.Ordinal).ToArray(), rows.Select(static row => (short)row.Row.Fact.Kind).ToArray(),
            rows.Select(static row => row.Row.Fact.At).ToArray(), rows.Select(static row => row.Row.Fact.IsUntimed).ToArray(),
            rows.Select(static row => row.Row.Roster).ToArray(), rows.Select(static row => row.Row.Roster is null ? row.Row.Entries : null).ToArray(),
            rows.Select(static row => row.Row.Fact.ReceivedAt).ToArray(), rows.Select(static row => row.Row.Fact.Source).ToArray());
    }

    /// <summary>Stores that phones stand alone in groups.</summary>
    public static void SaveMentions(RoundTrip trip, IEnumerable<(PersonKey Phone, long Group)> mentions)
    {
        var rows = mentions.Distinct().OrderBy(static row => row.Phone.Tenant, StringComparer.Ordinal)
            .ThenBy(static row => row.Phone.Jid, StringComparer.Ordinal).ThenBy(static row => row.Group).ToArray();
        if (rows.Length == 0)
            return;
        trip.Run("""
            insert into group_phone_mentions (tenant, phone, group_id) select * from unnest($1::text[], $2::text[], $3::bigint[])
            on conflict do nothing
            """, rows.Select(static row => row.Phone.Tenant).ToArray(), rows.Select(static row => row.Phone.Jid).ToArray(), rows.Select(static row => row.Group).ToArray());
    }

    /// <summary>Loads the facts of groups, in order, and the rosters they point to.</summary>
    /// <param name="groups">Each group with the fact after which to begin; null = from the first.</param>
    /// <param name="until">Time of the last fact wanted; null = all.</param>
    public void Load(RoundTrip trip, IReadOnlyCollection<(long Group, FactKey? After)> groups, DateTimeOffset? until = null)
    {
        if (groups.Count == 0)
            return;
        object[] parameters =
        [
            groups.Select(static group => group.Group).ToArray(), groups.Select(static group => group.After?.OrderAt ?? DateTimeOffset.MinValue).ToArray(),
            groups.Select(static group => group.After?.Log ?? 0).ToArray(), groups.Select(static group => group.After?.Position ?? 0).ToArray(),
            groups.Select(static group => group.After?.Ordinal ?? 0).ToArray(), until ?? DateTimeOffset.MaxValue,
        ];
        trip.Read($"""
            with pointed as materialized (
                select distinct f.group_id, f.roster from unnest($1::bigint[], $2::timestamptz[], $3::int[], $4::bigint[], $5::int[]) k(id, order_at, log, position, ordinal)
                cross join lateral ({Wanted}) f where f.roster is not null)
            select p.group_id, p.roster, r.entries from pointed p
            cross join lateral (select entries from membership_rosters where group_id = p.group_id and hash = p.roster limit 1) r
            """, row => _rosters[(row.GetInt64(0), row.GetGuid(1))] = EntryText.Read(row.GetString(2)), parameters);
        trip.Read($"""
            select f.group_id, f.order_at, f.log, f.position, f.ordinal, f.kind, f.at, f.untimed, f.roster, f.entries, f.received_at, f.source
            from unnest($1::bigint[], $2::timestamptz[], $3::int[], $4::bigint[], $5::int[]) k(id, order_at, log, position, ordinal)
            cross join lateral ({Wanted}) f
            """, ReadFact, parameters);
    }

    /// <summary>The loaded facts of a group, in order.</summary>
    public List<Fact> Of(long group) => _loaded.GetValueOrDefault(group) ?? [];

    /// <summary>Roster of the newest loaded fact of a group, when it is one.</summary>
    public Guid? LastRoster(long group) => _lastRosters.GetValueOrDefault(group);

    private static void SaveRosters(RoundTrip trip, List<FactRow> facts, Func<GroupKey, long> idOf)
    {
        var rows = (from fact in facts
                    where fact.Roster is not null && !fact.IsCovered
                    group fact by (Group: idOf(fact.Group), Hash: fact.Roster!.Value, IsWhole: fact.Fact.Kind == FactKind.Roster) into same
                    orderby same.Key.Group, same.Key.Hash
                    select (same.Key, same.First().Entries, OrderAt: same.Min(static fact => fact.Fact.Key.OrderAt), At: same.Min(static fact => fact.Fact.At))).ToArray();
        if (rows.Length == 0)
            return;
        trip.Run("""
            insert into membership_rosters as r (group_id, hash, entries, oldest_order_at, oldest_at, is_whole)
            select * from unnest($1::bigint[], $2::uuid[], $3::text[], $4::timestamptz[], $5::timestamptz[], $6::boolean[])
            on conflict (group_id, hash) do update set
                oldest_order_at = least(r.oldest_order_at, excluded.oldest_order_at), oldest_at = least(r.oldest_at, excluded.oldest_at)
            """,
            rows.Select(static row => row.Key.Group).ToArray(), rows.Select(static row => row.Key.Hash).ToArray(),
            rows.Select(static row => row.Entries).ToArray(), rows.Select(static row => row.OrderAt).ToArray(), rows.Select(static row => row.At).ToArray(),
            rows.Select(static row => row.Key.IsWhole).ToArray());
    }

    private void ReadFact(NpgsqlDataReader row)
    {
        var group = row.GetInt64(0);
        var key = new FactKey(row.Time(1), row.GetInt32(2), row.GetInt64(3), row.GetInt32(4));
        var entries = row.IsDBNull(8) ? EntryText.Read(row.GetString(9)) : _rosters[(group, row.GetGuid(8))];
        if (!_loaded.TryGetValue(group, out var facts))
            _loaded[group] = facts = [];
        _lastRosters[group] = row.IsDBNull(8) ? null : row.GetGuid(8);
        facts.Add(new Fact(key, (FactKind)row.GetInt16(5), row.Time(6), row.GetBoolean(7), row.Time(10), row.GetString(11), entries));
    }
}
