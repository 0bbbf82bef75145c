using Npgsql;
using WhatsAppMesh.Membership.Events;
using WhatsAppMesh.Membership.Facts;

namespace WhatsAppMesh.Membership.Store;

/// <summary>A member of a group: as folded, as stored, or both.</summary>
internal sealed class MemberRow
{
    public long ParticipantId { get; set; }

    public required MemberState State { get; init; }

    public string? Tag { get; set; }
}

/// <summary>Reads and writes whatsapp_group_participants and whatsapp_group_stays, only where they differ from the fold.</summary>
internal sealed class MemberTable
{
    private const string Columns = """
        p.known_by, m.group_id, m.participant_id, m.role, m.left_at, m.is_left_untimed, m.tag,
        s.joined_at, s.is_start_untimed, s.left_at, s.is_end_untimed, s.is_end_by_roster, s.evidence::text, m.promoted_received_at
        """;

    private readonly Dictionary<long, Dictionary<string, MemberRow>> _stored = [];
    private readonly List<(long Group, MemberRow Row)> _members = [];
    private readonly List<(long Group, long Participant)> _goneMembers = [];
    private readonly List<(long Group, MemberRow Row, int Number, StayState Stay)> _stays = [];
    private readonly List<(long Group, long Participant, int From)> _goneStays = [];

    /// <summary>Loads all members of the groups.</summary>
    public void Load(RoundTrip trip, long[] groups)
    {
        if (groups.Length == 0)
            return;
        trip.Read($"""
            select {Columns} from unnest($1::bigint[]) k(id)
            cross join lateral (select * from whatsapp_group_participants where group_id = k.id offset 0) m
            cross join lateral (select known_by from whatsapp_participants where id = m.participant_id limit 1) p
            left join lateral (
                select * from whatsapp_group_stays where group_id = m.group_id and participant_id = m.participant_id order by number) s on true
            """, ReadRow, groups);
    }

    /// <summary>Loads some members of groups.</summary>
    public void Load(RoundTrip trip, IReadOnlyCollection<(long Group, PersonKey Person)> members)
    {
        if (members.Count == 0)
            return;
        trip.Read($"""
            select {Columns} from unnest($1::bigint[], $2::text[], $3::text[]) k(id, tenant, known_by)
            cross join lateral (select id, known_by from whatsapp_participants where tenant = k.tenant and known_by = k.known_by limit 1) p
            cross join lateral (select * from whatsapp_group_participants where group_id = k.id and participant_id = p.id limit 1) m
            left join lateral (
                select * from whatsapp_group_stays where group_id = m.group_id and participant_id = m.participant_id order by number) s on true
            """, ReadRow, members.Select(static member => member.Group).ToArray(), members.Select(static member => member.Person.Tenant).ToArray(),
            members.Select(static member => member.Person.Jid).ToArray());
    }

    /// <summary>The loaded members of a group, by the JID each is known by.</summary>
    public IReadOnlyDictionary<string, MemberRow> Stored(long group) => StoredOf(group);

    /// <summary>
    /// Takes what a fold says of one member; null = the person is no member after all. The row's id must be known before
    /// <see cref="Save"/>.
    /// </summary>
    /// <returns>The stays that are not stored like this.</returns>
    public List<StayState> Put(long group, string person, MemberRow? folded)
    {
        var stored = StoredOf(group).GetValueOrDefault(person);
        if (folded is null)
        {
            _goneMembers.Add((group, stored!.ParticipantId));
            _goneStays.Add((group, stored.ParticipantId, 0));
            return [];
        }

        if (stored is null || !IsSame(stored, folded))
            _members.Add((group, folded));
        var changed = new List<StayState>();
        for (var number = 0; number < folded.State.Stays.Count; number++)
        {
            var stay = folded.State.Stays[number];
            if (stored is not null && number < stored.State.Stays.Count && IsSame(stored.State.Stays[number], stay))
                continue;
            changed.Add(stay);
            _stays.Add((group, folded, number, stay));
        }
        if (stored is not null && stored.State.Stays.Count > folded.State.Stays.Count)
            _goneStays.Add((group, stored.ParticipantId, folded.State.Stays.Count));
        return changed;
    }

    /// <summary>Writes what differs.</summary>
    public void Save(RoundTrip trip)
    {
        DeleteGone(trip);
        SaveMembers(trip);
        SaveStays(trip);
    }

    private void DeleteGone(RoundTrip trip)
    {
        if (_goneStays.Count > 0)
        {
            trip.Run("""
                delete from whatsapp_group_stays s using unnest($1::bigint[], $2::bigint[], $3::int[]) k(group_id, participant_id, first)
                where s.group_id = k.group_id and s.participant_id = k.participant_id and s.number >= k.first and s.participant_id = any($2)
                """, _goneStays.Select(static stay => stay.Group).ToArray(), _goneStays.Select(static stay => stay.Participant).ToArray(),
                _goneStays.Select(static stay => stay.From).ToArray());
        }
        if (_goneMembers.Count > 0)
        {
            trip.Run("""
                delete from whatsapp_group_participants m using unnest($1::bigint[], $2::bigint[]) k(group_id, participant_id)
                where m.group_id = k.group_id and m.participant_id = k.participant_id and m.participant_id = any($2)
                """, _goneMembers.Select(static member => member.Group).ToArray(), _goneMembers.Select(static member => member.Participant).ToArray());
        }
    }

    private void SaveMembers(RoundTrip trip)
    {
        var rows = _members.OrderBy(static member => member.Group).ThenBy(static member => member.Row.ParticipantId).ToArray();
        if (rows.Length == 0)
            return;
        trip.Run("""
            insert into whatsapp_group_participants (group_id, participant_id, role, joined_at, left_at, is_left_untimed, tag, promoted_received_at)
            select * from unnest($1::bigint[], $2::bigint[], $3::text[], $4::timestamptz[], $5::timestamptz[], $6::boolean[], $7::text[], $8::timestamptz[])
            on conflict (group_id, participant_id) do update set role = excluded.role, joined_at = excluded.joined_at,
                left_at = excluded.left_at, is_left_untimed = excluded.is_left_untimed, tag = excluded.tag, promoted_received_at = excluded.promoted_received_at
            """,
            rows.Select(static member => member.Group).ToArray(), rows.Select(static member => member.Row.ParticipantId).ToArray(),
            rows.Select(static member => RoleText(member.Row.State.Role)).ToArray(), rows.Select(static member => member.Row.State.JoinedAt).ToArray(),
            rows.Select(static member => member.Row.State.LeftAt).ToArray(), rows.Select(static member => IsLeftUntimed(member.Row.State)).ToArray(),
            rows.Select(static member => member.Row.Tag).ToArray(), rows.Select(static member => member.Row.State.PromotedReceivedAt).ToArray());
    }

    private void SaveStays(RoundTrip trip)
    {
        var rows = _stays.OrderBy(static stay => stay.Group).ThenBy(static stay => stay.Row.ParticipantId).ThenBy(static stay => stay.Number).ToArray();
        if (rows.Length == 0)
            return;
        trip.Run("""
            insert into whatsapp_group_stays
                (group_id, participant_id, number, joined_at, is_start_untimed, left_at, is_end_untimed, is_end_by_roster, evidence)
            select group_id, participant_id, number, joined_at, is_start_untimed, left_at, is_end_untimed, is_end_by_roster, evidence::jsonb
            from unnest($1::bigint[], $2::bigint[], $3::int[], $4::timestamptz[], $5::boolean[], $6::timestamptz[], $7::boolean[], $8::boolean[], $9::text[])
                v(group_id, participant_id, number, joined_at, is_start_untimed, left_at, is_end_untimed, is_end_by_roster, evidence)
            on conflict (group_id, participant_id, number) do update set joined_at = excluded.joined_at,
                is_start_untimed = excluded.is_start_untimed, left_at = excluded.left_at, is_end_untimed = excluded.is_end_untimed,
                is_end_by_roster = excluded.is_end_by_roster, evidence = excluded.evidence
            """,
            rows.Select(static row => row.Group).ToArray(), rows.Select(static row => row.Row.ParticipantId).ToArray(), rows.Select(static row => row.Number).ToArray(),
            rows.Select(static row => row.Stay.Start).ToArray(), rows.Select(static row => row.Stay.IsStartUntimed).ToArray(),
            rows.Select(static row => row.Stay.End).ToArray(), rows.Select(static row => row.Stay.IsEndUntimed).ToArray(),
            rows.Select(static row => row.Stay.IsEndByRoster).ToArray(),
            rows.Select(static row => EntryText.Write(row.Stay.Evidence)).ToArray());
    }

    private static bool IsSame(MemberRow one, MemberRow other) =>
        one.State.Role == other.State.Role && one.State.JoinedAt == other.State.JoinedAt && one.State.LeftAt == other.State.LeftAt
        && IsLeftUntimed(one.State) == IsLeftUntimed(other.State) && one.Tag == other.Tag
        && one.State.PromotedReceivedAt == other.State.PromotedReceivedAt;

    private static bool IsSame(StayState one, StayState other) =>
        one.Start == other.Start && one.IsStartUntimed == other.IsStartUntimed && one.End == other.End
        && one.IsEndUntimed == other.IsEndUntimed && one.IsEndByRoster == other.IsEndByRoster && one.Evidence.SequenceEqual(other.Evidence);

    // Of a member with stays the last stay says it.
    private static bool IsLeftUntimed(MemberState state) => state.Stays.Count == 0 && state.IsUnseenLeftUntimed;

    private static string? RoleText(MemberRole role) => role switch
    {
        MemberRole.Superadmin => "superadmin",
        MemberRole.Admin => "admin",
        _ => null,
    };

    private Dictionary<string, MemberRow> StoredOf(long group)
    {
        if (!_stored.TryGetValue(group, out var members))
            _stored[group] = members = new Dictionary<string, MemberRow>(StringComparer.Ordinal);
        return members;
    }

    private void ReadRow(NpgsqlDataReader row)
    {
        var members = StoredOf(row.GetInt64(1));
        if (!members.TryGetValue(row.GetString(0), out var member))
        {
            var role = row.Text(3) switch { "superadmin" => MemberRole.Superadmin, "admin" => MemberRole.Admin, _ => MemberRole.Member };
            members[row.GetString(0)] = member = new MemberRow
            {
                ParticipantId = row.GetInt64(2),
                State = new MemberState { Role = role, PromotedReceivedAt = row.TimeOrNull(13), UnseenLeft = row.TimeOrNull(4), IsUnseenLeftUntimed = row.GetBoolean(5) },
                Tag = row.Text(6),
            };
        }
        if (row.IsDBNull(7))
            return;
        member.State.UnseenLeft = null;
        member.State.Stays.Add(new StayState
        {
            Start = row.Time(7),
            IsStartUntimed = row.GetBoolean(8),
            End = row.TimeOrNull(9),
            IsEndUntimed = row.GetBoolean(10),
            IsEndByRoster = row.GetBoolean(11),
            Evidence = EntryText.ReadEvidence(row.GetString(12)),
        });
    }
}
