using Npgsql;
using WhatsAppMesh.Membership.Events;
using WhatsAppMesh.Membership.Facts;

namespace WhatsAppMesh.Membership.Store;

/// <summary>A row of whatsapp_groups in the hands of a batch.</summary>
internal sealed class GroupRow(GroupKey key)
{
    public GroupKey Key { get; } = key;

    /// <summary>0 until the row is stored.</summary>
    public long Id { get; set; }

    public DateTimeOffset FirstSeen { get; set; }

    public DateTimeOffset LastActive { get; set; }

    /// <summary>Newest fact whose effect the tables hold.</summary>
    public FactKey? Folded { get; set; }

    /// <summary>Its roster, when that fact is one.</summary>
    public Guid? FoldedRoster { get; set; }

    /// <summary>The group's checkpoint, when it has one.</summary>
    public CheckpointMark? Checkpoint { get; set; }

    /// <summary>When the last change that carries its time was received.</summary>
    public DateTimeOffset? TimedReceived { get; set; }

    /// <summary>When the last change without a time was received.</summary>
    public DateTimeOffset? UntimedReceived { get; set; }

    /// <summary>True when the stored row differs.</summary>
    public bool IsChanged { get; set; }

    /// <summary>True when a fact already folded may tell of the same change as this one.</summary>
    public bool MayHoldTwinOf(Fact fact) =>
        fact.IsChange && (fact.IsUntimed ? TimedReceived : UntimedReceived) is { } received && fact.ReceivedAt <= received + Twins.Window;

    /// <summary>Takes note of when changes were received.</summary>
    public void Receive(IEnumerable<Fact> facts)
    {
        foreach (var fact in facts.Where(static fact => fact.IsChange))
        {
            if (fact.IsUntimed)
                UntimedReceived = Later(UntimedReceived, fact.ReceivedAt);
            else
                TimedReceived = Later(TimedReceived, fact.ReceivedAt);
        }
    }

    /// <summary>Takes what one event says.</summary>
    public void See(GroupSeen seen)
    {
        var active = Steps.Floor(seen.At);
        if (Id == 0 && FirstSeen == default)
            (FirstSeen, LastActive, IsChanged) = (seen.At, active, true);
        if (seen.At < FirstSeen)
            (FirstSeen, IsChanged) = (seen.At, true);
        if (active > LastActive)
            (LastActive, IsChanged) = (active, true);
    }

    private static DateTimeOffset Later(DateTimeOffset? one, DateTimeOffset other) => one > other ? one.Value : other;
}

/// <summary>Where a checkpoint stands.</summary>
/// <param name="Key">Its newest fact.</param>
/// <param name="ReceivedUntil">When the last of the changes in it was received; null when it holds none.</param>
internal readonly record struct CheckpointMark(FactKey Key, DateTimeOffset? ReceivedUntil)
{
    /// <summary>True when the fact comes after it and cannot be a twin of a fact in it.</summary>
    public bool IsBefore(Fact fact) =>
        fact.Key.CompareTo(Key) > 0 && !(fact.IsChange && ReceivedUntil is { } received && fact.ReceivedAt <= received + Twins.Window);
}

/// <summary>How often "last seen" is worth a write.</summary>
internal static class Steps
{
    private const long Minute = TimeSpan.TicksPerMinute;

    /// <summary>The minute in which a time lies.</summary>
    public static DateTimeOffset Floor(DateTimeOffset time) => new(time.Ticks - time.Ticks % Minute, TimeSpan.Zero);
}

/// <summary>Reads and writes whatsapp_groups.</summary>
internal sealed class GroupTable
{
    private const string Columns = """
        g.id, g.tenant, g.jid, g.first_seen_at, g.last_active_at, g.folded_order_at, g.folded_log, g.folded_position, g.folded_ordinal,
        g.folded_roster, g.timed_received_at, g.untimed_received_at,
        c.order_at, c.log, c.position, c.ordinal, c.received_until
        """;

    private const string Checkpoint = """
        left join lateral (select order_at, log, position, ordinal, received_until from group_checkpoints where group_id = g.id limit 1) c on true
        """;

    private readonly Dictionary<GroupKey, GroupRow> _rows = [];
    private readonly Dictionary<long, GroupRow> _byId = [];

    public GroupRow this[GroupKey key] => _rows[key];

    public GroupRow this[long id] => _byId[id];

    public void Load(RoundTrip trip, IReadOnlyCollection<GroupKey> keys)
    {
        foreach (var key in keys)
            _rows[key] = new GroupRow(key);
        if (keys.Count == 0)
            return;
        trip.Read($"""
            select {Columns} from unnest($1::text[], $2::text[]) k(tenant, jid)
            cross join lateral (select * from whatsapp_groups where tenant = k.tenant and jid = k.jid limit 1) g
            {Checkpoint}
            """, ReadRow, keys.Select(static key => key.Tenant).ToArray(), keys.Select(static key => key.Jid).ToArray());
    }

    public void Load(RoundTrip trip, long[] ids)
    {
        if (ids.Length == 0)
            return;
        trip.Read($"""
            select {Columns} from unnest($1::bigint[]) k(id)
            cross join lateral (select * from whatsapp_groups where id = k.id limit 1) g
            {Checkpoint}
            """, ReadRow, ids);
    }

    /// <summary>Loads the groups in which one of the phones stands alone.</summary>
    public void LoadMentioning(RoundTrip trip, IReadOnlyCollection<PersonKey> phones, HashSet<long> found) => trip.Read($"""
        select {Columns} from (
            select distinct m.group_id from unnest($1::text[], $2::text[]) k(tenant, phone)
            cross join lateral (select group_id from group_phone_mentions where tenant = k.tenant and phone = k.phone offset 0) m) m
        cross join lateral (select * from whatsapp_groups where id = m.group_id limit 1) g
        {Checkpoint}
        """, row =>
        {
            found.Add(row.GetInt64(0));
            if (!_byId.ContainsKey(row.GetInt64(0)))
                ReadRow(row);
        }, phones.Select(static phone => phone.Tenant).ToArray(), phones.Select(static phone => phone.Jid).ToArray());

    /// <summary>Gives every new group its id.</summary>
    public void Create(RoundTrip trip)
    {
        var rows = _rows.Values.Where(static row => row.Id == 0).OrderBy(static row => row.Key.Tenant, StringComparer.Ordinal)
            .ThenBy(static row => row.Key.Jid, StringComparer.Ordinal).ToArray();
        if (rows.Length == 0)
            return;
        trip.Read("""
            insert into whatsapp_groups (tenant, jid, first_seen_at, last_active_at)
            select * from unnest($1::text[], $2::text[], $3::timestamptz[], $4::timestamptz[]) returning id, tenant, jid
            """, row => Store(_rows[new GroupKey(row.GetString(1), row.GetString(2))], row.GetInt64(0)),
            rows.Select(static row => row.Key.Tenant).ToArray(), rows.Select(static row => row.Key.Jid).ToArray(),
            rows.Select(static row => row.FirstSeen).ToArray(), rows.Select(static row => row.LastActive).ToArray());
    }

    /// <summary>Writes the rows that changed.</summary>
    public void Save(RoundTrip trip)
    {
        var rows = _byId.Values.Where(static row => row.IsChanged).OrderBy(static row => row.Id).ToArray();
        if (rows.Length == 0)
            return;
        trip.Run("""
            update whatsapp_groups g set
                first_seen_at = v.first_seen_at, last_active_at = v.last_active_at,
                folded_order_at = v.folded_order_at, folded_log = v.folded_log, folded_position = v.folded_position,
                folded_ordinal = v.folded_ordinal, folded_roster = v.folded_roster,
                timed_received_at = v.timed_received_at, untimed_received_at = v.untimed_received_at
            from unnest($1::bigint[], $2::timestamptz[], $3::timestamptz[], $4::timestamptz[], $5::int[], $6::bigint[], $7::int[], $8::uuid[],
                    $9::timestamptz[], $10::timestamptz[])
                v(id, first_seen_at, last_active_at, folded_order_at, folded_log, folded_position, folded_ordinal, folded_roster,
                    timed_received_at, untimed_received_at)
            where g.id = v.id and g.id = any($1)
            """,
            rows.Select(static row => row.Id).ToArray(), rows.Select(static row => row.FirstSeen).ToArray(),
            rows.Select(static row => row.LastActive).ToArray(), rows.Select(static row => row.Folded?.OrderAt).ToArray(),
            rows.Select(static row => row.Folded?.Log).ToArray(), rows.Select(static row => row.Folded?.Position).ToArray(),
            rows.Select(static row => row.Folded?.Ordinal).ToArray(), rows.Select(static row => row.FoldedRoster).ToArray(),
            rows.Select(static row => row.TimedReceived).ToArray(), rows.Select(static row => row.UntimedReceived).ToArray());
    }

    private void Store(GroupRow row, long id)
    {
        row.Id = id;
        _byId[id] = row;
    }

    private void ReadRow(NpgsqlDataReader row)
    {
        const int CheckpointColumn = 12;
        var key = new GroupKey(row.GetString(1), row.GetString(2));
        if (!_rows.TryGetValue(key, out var group))
            _rows[key] = group = new GroupRow(key);
        Store(group, row.GetInt64(0));
        group.FirstSeen = row.Time(3);
        group.LastActive = row.Time(4);
        if (row.TimeOrNull(5) is { } orderAt)
            group.Folded = new FactKey(orderAt, row.GetInt32(6), row.GetInt64(7), row.GetInt32(8));
        group.FoldedRoster = row.IsDBNull(9) ? null : row.GetGuid(9);
        (group.TimedReceived, group.UntimedReceived) = (row.TimeOrNull(10), row.TimeOrNull(11));
        if (row.TimeOrNull(CheckpointColumn) is not { } checkpoint)
            return;
        var newest = new FactKey(checkpoint, row.GetInt32(CheckpointColumn + 1), row.GetInt64(CheckpointColumn + 2), row.GetInt32(CheckpointColumn + 3));
        group.Checkpoint = new CheckpointMark(newest, row.TimeOrNull(CheckpointColumn + 4));
    }
}
