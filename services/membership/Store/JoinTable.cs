using System.Text.Json;
using System.Text.Json.Serialization;
using WhatsAppMesh.Events;
using WhatsAppMesh.Membership.Events;
using WhatsAppMesh.Membership.Facts;

namespace WhatsAppMesh.Membership.Store;

/// <summary>Payload of member.joined: one stay in a group has begun.</summary>
/// <param name="GroupJid">The group.</param>
/// <param name="Lid">LID of the person; null while only a phone is known.</param>
/// <param name="PhoneJid">Phone of the person; null when it was not told with the join. The join stands all the same: who needs the phone asks for it.</param>
/// <param name="JoinedAt">Start of the stay.</param>
/// <param name="Evidence">The event that told it.</param>
internal sealed record JoinPayload(
    [property: JsonPropertyName("group_jid")] string GroupJid,
    [property: JsonPropertyName("lid")] string? Lid,
    [property: JsonPropertyName("phone_jid")] string? PhoneJid,
    [property: JsonPropertyName("joined_at")] DateTimeOffset JoinedAt,
    [property: JsonPropertyName("evidence")] JoinPayloadEvidence Evidence);

/// <summary>Where the event stands in the log, and by which JID it names the person.</summary>
internal sealed record JoinPayloadEvidence(
    [property: JsonPropertyName("log")] int Log, [property: JsonPropertyName("position")] long Position, [property: JsonPropertyName("jid")] string Jid);

/// <summary>A stay whose adds may call for an announcement.</summary>
internal sealed record JoinCandidate(GroupRow Group, string Person, string? Phone, StayState Stay);

/// <summary>
/// Reads and writes member_joins: each stay that some event tells as a join is announced once. A stay counts as announced when any of
/// the adds told during it has been used for an announcement, whichever add that was and whoever the person was taken for then.
/// </summary>
/// <param name="hold">How long a join waits, from its reception, that nobody told with its time.</param>
internal sealed class JoinTable(TimeSpan hold)
{
    private readonly record struct Mark(long Group, int Log, long Position, string Jid);

    private readonly Dictionary<Mark, string> _states = [];
    private readonly List<(Mark Mark, JoinCandidate Join, string State)> _decided = [];
    private readonly List<Mark> _cancelled = [];

    /// <summary>Joins that <see cref="Decide"/> found to be new.</summary>
    public int Announced { get; private set; }

    /// <summary>Stores that announcements came back.</summary>
    public static void Confirm(RoundTrip trip, List<JoinSeen> joins, Func<GroupKey, long> idOf)
    {
        var rows = joins.DistinctBy(static join => (join.Group, join.Log, join.Position, join.Jid)).Select(join => (Group: idOf(join.Group), Join: join))
            .OrderBy(static row => row.Group).ThenBy(static row => row.Join.Log).ThenBy(static row => row.Join.Position).ToArray();
        if (rows.Length == 0)
            return;
        trip.Run("""
            insert into member_joins (group_id, log, position, jid, event_id, state, tenant, joined_at, payload)
            select group_id, log, position, jid, event_id, 'confirmed', tenant, joined_at, ''
            from unnest($1::bigint[], $2::int[], $3::bigint[], $4::text[], $5::uuid[], $6::text[], $7::timestamptz[])
                v(group_id, log, position, jid, event_id, tenant, joined_at)
            on conflict (group_id, log, position, jid) do update set state = 'confirmed', payload = ''
            """,
            rows.Select(static row => row.Group).ToArray(), rows.Select(static row => row.Join.Log).ToArray(),
            rows.Select(static row => row.Join.Position).ToArray(), rows.Select(static row => row.Join.Jid).ToArray(),
            rows.Select(static row => row.Join.EventId).ToArray(), rows.Select(static row => row.Join.Group.Tenant).ToArray(),
            rows.Select(static row => row.Join.At).ToArray());
    }

    /// <summary>Loads what is known of the adds of the candidates.</summary>
    public void Load(RoundTrip trip, List<JoinCandidate> candidates)
    {
        var marks = candidates.SelectMany(static join => join.Stay.Evidence, static (join, evidence) => Key(join, evidence)).Distinct().ToArray();
        if (marks.Length == 0)
            return;
        trip.Read("""
            select k.group_id, k.log, k.position, k.jid, m.state
            from unnest($1::bigint[], $2::int[], $3::bigint[], $4::text[]) k(group_id, log, position, jid)
            cross join lateral (
                select state from member_joins
                where group_id = k.group_id and log = k.log and position = k.position and jid = k.jid limit 1) m
            """, row => _states[new Mark(row.GetInt64(0), row.GetInt32(1), row.GetInt64(2), row.GetString(3))] = row.GetString(4),
            marks.Select(static mark => mark.Group).ToArray(), marks.Select(static mark => mark.Log).ToArray(),
            marks.Select(static mark => mark.Position).ToArray(), marks.Select(static mark => mark.Jid).ToArray());
    }

    /// <summary>Finds out which stays are to be announced, and which announcements are not needed any more.</summary>
    /// <param name="candidates">Stays that changed.</param>
    /// <param name="isHistory">Imported events changed them: what is new then counts as announced, for nobody waits for it.</param>
    public void Decide(List<JoinCandidate> candidates, bool isHistory)
    {
        foreach (var join in candidates)
        {
            var known = join.Stay.Evidence.Select(evidence => Key(join, evidence)).Where(_states.ContainsKey).ToLookup(mark => _states[mark]);
            var isTold = known.Contains("sent") || known.Contains("confirmed");
            var waiting = known["pending"].Distinct().OrderBy(static mark => mark.Log).ThenBy(static mark => mark.Position)
                .ThenBy(static mark => mark.Jid, StringComparer.Ordinal).ToList();
            _cancelled.AddRange(isTold ? waiting : waiting.Skip(1));
            if (isTold)
                continue;
            if (waiting.Count > 0)
                _decided.Add((waiting[0], join, "pending"));
            else if (First(join) is { } first)
            {
                _decided.Add((first, join, isHistory ? "confirmed" : "pending"));
                Announced += isHistory ? 0 : 1;
            }
        }
    }

    /// <summary>Writes what was decided, into the outbox that the table is.</summary>
    public void Save(RoundTrip trip)
    {
        if (_cancelled.Count > 0)
        {
            trip.Run("""
                update member_joins m set state = 'cancelled', payload = ''
                from unnest($1::bigint[], $2::int[], $3::bigint[], $4::text[]) k(group_id, log, position, jid)
                where m.group_id = k.group_id and m.log = k.log and m.position = k.position and m.jid = k.jid and m.state = 'pending' and m.group_id = any($1)
                """, _cancelled.Select(static mark => mark.Group).ToArray(), _cancelled.Select(static mark => mark.Log).ToArray(),
                _cancelled.Select(static mark => mark.Position).ToArray(), _cancelled.Select(static mark => mark.Jid).ToArray());
        }
        var rows = _decided.OrderBy(static row => row.Mark.Group).ThenBy(static row => row.Mark.Log).ThenBy(static row => row.Mark.Position)
            .ThenBy(static row => row.Mark.Jid, StringComparer.Ordinal).ToArray();
        if (rows.Length == 0)
            return;
        trip.Run("""
            insert into member_joins as m (group_id, log, position, jid, event_id, state, tenant, joined_at, payload, hold_until)
            select group_id, log, position, jid, event_id, state, tenant, joined_at, payload, hold_until
            from unnest($1::bigint[], $2::int[], $3::bigint[], $4::text[], $5::uuid[], $6::text[], $7::timestamptz[], $8::text[], $9::text[], $10::timestamptz[])
                v(group_id, log, position, jid, event_id, tenant, joined_at, payload, state, hold_until)
            on conflict (group_id, log, position, jid) do update set state = excluded.state, joined_at = excluded.joined_at, payload = excluded.payload,
                hold_until = excluded.hold_until
            where m.state in ('pending', 'cancelled')
            """,
            rows.Select(static row => row.Mark.Group).ToArray(), rows.Select(static row => row.Mark.Log).ToArray(),
            rows.Select(static row => row.Mark.Position).ToArray(), rows.Select(static row => row.Mark.Jid).ToArray(),
            rows.Select(static row => EventIdOf(row.Mark, row.Join)).ToArray(), rows.Select(static row => row.Join.Group.Key.Tenant).ToArray(),
            rows.Select(static row => row.Join.Stay.Start).ToArray(), rows.Select(static row => row.State == "pending" ? PayloadOf(row.Mark, row.Join) : "").ToArray(), rows.Select(static row => row.State).ToArray(),
            rows.Select(row => HeldUntil(row.Join.Stay)).ToArray());
    }

    /// <summary>Cancels what waits in the groups for a stay that an announcement come back shows to be told already.</summary>
    public static void CancelTold(RoundTrip trip, long[] groups)
    {
        if (groups.Length == 0)
            return;
        trip.Run("""
            with told as materialized (
                select s.group_id, s.participant_id, s.number, e.log, e.position, e.jid, m.state
                from unnest($1::bigint[]) k(id)
                cross join lateral (select * from whatsapp_group_stays where group_id = k.id offset 0) s
                cross join lateral jsonb_to_recordset(s.evidence) e(log int, position bigint, jid text)
                cross join lateral (
                    select state from member_joins
                    where group_id = s.group_id and log = e.log and position = e.position and jid = e.jid limit 1) m
                where exists (select from member_joins w where w.group_id = k.id and w.state = 'pending'))
            update member_joins m set state = 'cancelled', payload = '' from told w
            where w.state = 'pending' and m.group_id = w.group_id and m.log = w.log and m.position = w.position and m.jid = w.jid
                and exists (
                    select from told d where d.group_id = w.group_id and d.participant_id = w.participant_id and d.number = w.number
                        and d.state in ('sent', 'confirmed'))
            """, groups);
    }

    // Its twin mostly follows within seconds, and knows better when that was, and whether it was at all.
    private DateTimeOffset? HeldUntil(StayState stay)
    {
        var joins = stay.Evidence.FindAll(static evidence => evidence.IsJoin);
        return joins.Count == 0 || joins.Exists(static evidence => evidence.IsTimed) ? null : joins.Min(static evidence => evidence.ReceivedAt) + hold;
    }

    private static Mark? First(JoinCandidate join) => join.Stay.Evidence.Where(static evidence => evidence.IsJoin)
        .OrderBy(static evidence => evidence.Log).ThenBy(static evidence => evidence.Position).ThenBy(static evidence => evidence.Jid, StringComparer.Ordinal)
        .Select(evidence => (Mark?)Key(join, evidence)).FirstOrDefault();

    private static Mark Key(JoinCandidate join, JoinEvidence evidence) => new(join.Group.Id, evidence.Log, evidence.Position, evidence.Jid);

    private static Guid EventIdOf(Mark mark, JoinCandidate join) => DerivedId.Of(
        $"{MemberJoinedReader.Type}|{join.Group.Key.Tenant}|{join.Group.Key.Jid}|{mark.Log}|{mark.Position}|{mark.Jid}");

    private static string PayloadOf(Mark mark, JoinCandidate join)
    {
        var isLid = Jid.Parse(join.Person).IsLid;
        var payload = new JoinPayload(join.Group.Key.Jid, isLid ? join.Person : null, isLid ? join.Phone : join.Person,
            join.Stay.Start, new JoinPayloadEvidence(mark.Log, mark.Position, mark.Jid));
        return JsonSerializer.Serialize(payload, StoreJson.Default.JoinPayload);
    }
}
