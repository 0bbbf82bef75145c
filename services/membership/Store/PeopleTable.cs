using Npgsql;
using WhatsAppMesh.Membership.Events;
using WhatsAppMesh.Membership.Facts;

namespace WhatsAppMesh.Membership.Store;

/// <summary>
/// Reads and writes whatsapp_participants and whatsapp_participant_jids. What was seen is kept per JID, in a form that does not depend
/// on order, and summed up in the row of the person who owns the JID now.
/// </summary>
internal sealed class PeopleTable
{
    private sealed class JidRow
    {
        public long ParticipantId;
        public string? KnownBy;
        public DateTimeOffset? OwnedSince;
        public DateTimeOffset? FirstSeen;
        public DateTimeOffset? LastActive;
        public string? PushName;
        public DateTimeOffset? PushNameAt;
        public string? Username;
        public DateTimeOffset? UsernameAt;
        public bool IsChanged;
        public bool IsSumChanged;
    }

    private readonly Dictionary<PersonKey, JidRow> _jids = [];
    private readonly Dictionary<PersonKey, long> _ids = [];
    private readonly Dictionary<PersonKey, Action<long>?> _wanted = [];
    private readonly HashSet<long> _sums = [];
    private readonly HashSet<PersonKey> _merged = [];
    private readonly Dictionary<PersonKey, (PersonKey Alias, long Id)> _renamed = [];

    /// <summary>Loads the JIDs and their owners.</summary>
    public void Load(RoundTrip trip, IReadOnlyCollection<PersonKey> jids)
    {
        if (jids.Count == 0)
            return;
        trip.Read("""
            select j.tenant, j.jid, j.participant_id, p.known_by, j.owned_since, j.first_seen_at, j.last_active_at, j.push_name, j.push_name_at,
                j.username, j.username_at
            from unnest($1::text[], $2::text[]) k(tenant, jid)
            cross join lateral (select * from whatsapp_participant_jids where tenant = k.tenant and jid = k.jid limit 1) j
            cross join lateral (select known_by from whatsapp_participants where id = j.participant_id limit 1) p
            """, ReadRow, jids.Select(static jid => jid.Tenant).ToArray(), jids.Select(static jid => jid.Jid).ToArray());
    }

    /// <summary>A JID was sent: it exists from now on.</summary>
    public void Know(PersonKey jid) => Row(jid);

    /// <summary>A fact names somebody: that is when they were first seen, at the latest.</summary>
    public void Mention(PersonKey jid, DateTimeOffset at)
    {
        var row = Row(jid);
        if (row.FirstSeen <= at)
            return;
        (row.FirstSeen, row.IsChanged, row.IsSumChanged) = (at, true, true);
    }

    /// <summary>Somebody did something.</summary>
    public void See(Sighting seen)
    {
        Mention(seen.Person, seen.At);
        var row = Row(seen.Person);
        if (!(row.LastActive >= Steps.Floor(seen.At)))
            (row.LastActive, row.IsChanged, row.IsSumChanged) = (Steps.Floor(seen.At), true, true);
        if (seen.PushName is not { } name || !IsLater((name, seen.At), (row.PushName, row.PushNameAt)))
            return;
        (row.PushName, row.PushNameAt, row.IsChanged, row.IsSumChanged) = (name, seen.At, true, true);
    }

    /// <summary>Somebody goes by a username, or by none any more.</summary>
    public void Call(UsernameSeen seen)
    {
        var row = Row(seen.Person);
        if (!IsLater((seen.Username, seen.At), (row.Username, row.UsernameAt)))
            return;
        (row.Username, row.UsernameAt, row.IsChanged, row.IsSumChanged) = (seen.Username, seen.At, true, true);
    }

    /// <summary>Every loaded JID was rewritten: it counts as changed.</summary>
    public void Rewrite()
    {
        foreach (var row in _jids.Values)
            (row.IsChanged, row.IsSumChanged) = (true, true);
    }

    /// <summary>Gives every loaded JID to the person who owns it now, and finds out who that person is.</summary>
    public void Own(Func<string, Identity> identityOf)
    {
        foreach (var (jid, row) in _jids)
        {
            var identity = identityOf(jid.Tenant);
            var owner = identity.Owner(jid.Jid);
            var since = identity.OwnedSince(jid.Jid);
            if (row.KnownBy != owner)
            {
                if (row.KnownBy is not null)
                    _sums.Add(row.ParticipantId);
                if (row.KnownBy == jid.Jid)
                    Merge(jid, row.ParticipantId, new PersonKey(jid.Tenant, owner));
                (row.KnownBy, row.IsChanged, row.IsSumChanged) = (owner, true, true);
            }
            if (row.OwnedSince != since)
                (row.OwnedSince, row.IsChanged, row.IsSumChanged) = (since, true, true);
            if (row.IsChanged)
                Want(new PersonKey(jid.Tenant, owner));
        }
    }

    /// <summary>Asks for the id of a person, at the latest when <see cref="Find"/> has run; one who is unknown gets a row.</summary>
    public void Want(PersonKey person, Action<long>? found = null)
    {
        if (_ids.TryGetValue(person, out var id))
            found?.Invoke(id);
        else
            _wanted[person] = _wanted.GetValueOrDefault(person) + found;
    }

    /// <summary>Finds or makes the rows asked for.</summary>
    public void Find(RoundTrip trip)
    {
        var keys = _wanted.Keys.OrderBy(static key => key.Tenant, StringComparer.Ordinal).ThenBy(static key => key.Jid, StringComparer.Ordinal).ToArray();
        if (keys.Length == 0)
            return;
        Rename(trip);
        trip.Read("""
            with known as materialized (
                select w.tenant, w.known_by,
                    (select p.id from whatsapp_participants p where p.tenant = w.tenant and p.known_by = w.known_by) as id
                from unnest($1::text[], $2::text[]) w(tenant, known_by)),
            made as (
                insert into whatsapp_participants (tenant, known_by, phone_jid)
                select tenant, known_by, case when known_by not like '%@lid' then known_by end from known where id is null
                returning id, tenant, known_by)
            select id, tenant, known_by from known where id is not null
            union all
            select id, tenant, known_by from made
            """, row => Found(new PersonKey(row.GetString(1), row.GetString(2)), row.GetInt64(0)),
            keys.Select(static key => key.Tenant).ToArray(), keys.Select(static key => key.Jid).ToArray());
    }

    private void Rename(RoundTrip trip)
    {
        var rows = _renamed.Where(row => _wanted.ContainsKey(row.Key)).OrderBy(static row => row.Value.Id).ToArray();
        if (rows.Length == 0)
            return;
        trip.Run("""
            update whatsapp_participants p set known_by = k.known_by, phone_jid = case when k.known_by not like '%@lid' then k.known_by end
            from unnest($1::bigint[], $2::text[]) k(id, known_by)
            where p.id = k.id and p.id = any($1)
                and (select o.id from whatsapp_participants o where o.tenant = p.tenant and o.known_by = k.known_by limit 1) is null
            """, rows.Select(static row => row.Value.Id).ToArray(), rows.Select(static row => row.Key.Jid).ToArray());
    }

    /// <summary>Writes the JIDs that changed, then sums them up per person.</summary>
    public void Save(RoundTrip trip)
    {
        var changed = _jids.Where(static pair => pair.Value.IsChanged).OrderBy(static pair => pair.Key.Tenant, StringComparer.Ordinal)
            .ThenBy(static pair => pair.Key.Jid, StringComparer.Ordinal).ToArray();
        foreach (var (jid, row) in changed)
        {
            row.ParticipantId = _ids[new PersonKey(jid.Tenant, row.KnownBy!)];
            if (row.IsSumChanged)
                _sums.Add(row.ParticipantId);
        }
        if (changed.Length > 0)
        {
            trip.Run("""
                insert into whatsapp_participant_jids
                    (tenant, jid, participant_id, owned_since, first_seen_at, last_active_at, push_name, push_name_at, username, username_at)
                select * from unnest($1::text[], $2::text[], $3::bigint[], $4::timestamptz[], $5::timestamptz[], $6::timestamptz[],
                    $7::text[], $8::timestamptz[], $9::text[], $10::timestamptz[])
                on conflict (tenant, jid) do update set participant_id = excluded.participant_id, owned_since = excluded.owned_since,
                    first_seen_at = excluded.first_seen_at, last_active_at = excluded.last_active_at,
                    push_name = excluded.push_name, push_name_at = excluded.push_name_at,
                    username = excluded.username, username_at = excluded.username_at
                """,
                changed.Select(static pair => pair.Key.Tenant).ToArray(), changed.Select(static pair => pair.Key.Jid).ToArray(),
                changed.Select(static pair => pair.Value.ParticipantId).ToArray(), changed.Select(static pair => pair.Value.OwnedSince).ToArray(),
                changed.Select(static pair => pair.Value.FirstSeen).ToArray(), changed.Select(static pair => pair.Value.LastActive).ToArray(),
                changed.Select(static pair => pair.Value.PushName).ToArray(), changed.Select(static pair => pair.Value.PushNameAt).ToArray(),
                changed.Select(static pair => pair.Value.Username).ToArray(), changed.Select(static pair => pair.Value.UsernameAt).ToArray());
        }
        if (_sums.Count > 0)
            trip.Run(SumUp, _sums.Order().ToArray());
        if (_merged.Count > 0)
        {
            trip.Run("""
                delete from whatsapp_participants p using unnest($1::text[], $2::text[]) k(tenant, known_by)
                where p.tenant = k.tenant and p.known_by = k.known_by and p.known_by = any($2)
                """, _merged.Select(static jid => jid.Tenant).ToArray(), _merged.Select(static jid => jid.Jid).ToArray());
        }
    }

    // An upsert of rows that are all there: it finds each by index, where an update by a list of ids may read the whole table.
    private const string SumUp = """
        insert into whatsapp_participants as t (id, tenant, known_by, first_seen_at, last_active_at, push_name, username, phone_jid)
            overriding system value
        select p.id, p.tenant, p.known_by, s.first_seen_at, s.last_active_at, s.push_name, s.username, coalesce(p.alias, s.phone_jid)
        from unnest($1::bigint[]) k(id)
        cross join lateral (select *, case when lid is null then known_by end as alias from whatsapp_participants where id = k.id limit 1) p
        cross join lateral (
            select min(j.first_seen_at) as first_seen_at, max(j.last_active_at) as last_active_at,
                (array_agg(j.push_name order by j.push_name_at desc, j.push_name collate "C" desc) filter (where j.push_name is not null))[1] as push_name,
                (array_agg(j.username order by j.username_at desc, j.username collate "C" desc nulls last)
                    filter (where j.username_at is not null))[1] as username,
                (array_agg(j.jid order by j.owned_since desc, j.jid collate "C" desc) filter (where j.owned_since is not null))[1] as phone_jid
            from whatsapp_participant_jids j where j.participant_id = p.id) s
        where (p.first_seen_at, p.last_active_at, p.push_name, p.username, p.phone_jid)
            is distinct from (s.first_seen_at, s.last_active_at, s.push_name, s.username, coalesce(p.alias, s.phone_jid))
        on conflict (id) do update set first_seen_at = excluded.first_seen_at, last_active_at = excluded.last_active_at,
            push_name = excluded.push_name, username = excluded.username, phone_jid = excluded.phone_jid
        """;

    private void Found(PersonKey person, long id)
    {
        _ids[person] = id;
        _wanted[person]?.Invoke(id);
    }

    private JidRow Row(PersonKey jid)
    {
        if (!_jids.TryGetValue(jid, out var row))
            _jids[jid] = row = new JidRow { IsChanged = true, IsSumChanged = true };
        return row;
    }

    // An alias that turns out to be somebody unknown so far keeps its row, and with it the id by which others know the person.
    private void Merge(PersonKey alias, long id, PersonKey owner)
    {
        _merged.Add(alias);
        if (!_renamed.TryGetValue(owner, out var other) || string.CompareOrdinal(alias.Jid, other.Alias.Jid) < 0)
            _renamed[owner] = (alias, id);
    }

    // Two names at one moment: any fixed choice will do, as long as it is always the same.
    private static bool IsLater((string? Name, DateTimeOffset At) told, (string? Name, DateTimeOffset? At) known) =>
        known.At is not { } at || told.At > at || (told.At == at && string.CompareOrdinal(told.Name, known.Name) > 0);

    private void ReadRow(NpgsqlDataReader row)
    {
        var tenant = row.GetString(0);
        var knownBy = row.GetString(3);
        _ids[new PersonKey(tenant, knownBy)] = row.GetInt64(2);
        _jids[new PersonKey(tenant, row.GetString(1))] = new JidRow
        {
            ParticipantId = row.GetInt64(2),
            KnownBy = knownBy,
            OwnedSince = row.TimeOrNull(4),
            FirstSeen = row.TimeOrNull(5),
            LastActive = row.TimeOrNull(6),
            PushName = row.Text(7),
            PushNameAt = row.TimeOrNull(8),
            Username = row.Text(9),
            UsernameAt = row.TimeOrNull(10),
        };
    }
}
