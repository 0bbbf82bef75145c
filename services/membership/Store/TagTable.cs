using Npgsql;
using WhatsAppMesh.Membership.Events;
using WhatsAppMesh.Membership.Facts;

namespace WhatsAppMesh.Membership.Store;

/// <summary>Reads and writes group_tags: the label of a member per JID as sent, of which the last told counts.</summary>
internal sealed class TagTable
{
    private readonly Dictionary<long, List<(Entry Member, string Label, FactKey Key)>> _tags = [];

    /// <summary>Stores the labels of the batch, each unless a later one is known.</summary>
    public static void Save(RoundTrip trip, List<TagSeen> tags, Func<GroupKey, long> idOf)
    {
        var rows = tags.GroupBy(tag => (Group: idOf(tag.Group), tag.Member.Jid))
            .Select(static same => (same.Key.Group, same.Key.Jid, Last: same.MaxBy(static tag => tag.Key)!))
            .OrderBy(static row => row.Group).ThenBy(static row => row.Jid, StringComparer.Ordinal).ToArray();
        if (rows.Length == 0)
            return;
        trip.Run("""
            insert into group_tags as t (group_id, jid, label, order_at, log, position)
            select * from unnest($1::bigint[], $2::text[], $3::text[], $4::timestamptz[], $5::int[], $6::bigint[])
            on conflict (group_id, jid) do update set
                label = excluded.label, order_at = excluded.order_at, log = excluded.log, position = excluded.position
            where (excluded.order_at, excluded.log, excluded.position) > (t.order_at, t.log, t.position)
            """,
            rows.Select(static row => row.Group).ToArray(), rows.Select(static row => row.Jid).ToArray(), rows.Select(static row => row.Last.Label).ToArray(),
            rows.Select(static row => row.Last.Key.OrderAt).ToArray(), rows.Select(static row => row.Last.Key.Log).ToArray(),
            rows.Select(static row => row.Last.Key.Position).ToArray());
    }

    /// <summary>Loads the labels of the groups.</summary>
    public void Load(RoundTrip trip, long[] groups) => trip.Read("""
        select t.group_id, t.jid, t.label, t.order_at, t.log, t.position from unnest($1::bigint[]) k(id)
        cross join lateral (select * from group_tags where group_id = k.id offset 0) t
        """, ReadRow, groups);

    /// <summary>The labels of a group by person; a removed label is not among them.</summary>
    /// <param name="until">Labels told later are left out; null = none are.</param>
    public Dictionary<string, string> Of(long group, Identity identity, DateTimeOffset? until = null)
    {
        var labels = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var (member, label, key) in (_tags.GetValueOrDefault(group) ?? []).OrderBy(static tag => tag.Key))
        {
            if (key.OrderAt > until)
                break;
            var person = identity.Person(member, key.OrderAt);
            if (label.Length > 0)
                labels[person] = label;
            else
                labels.Remove(person);
        }
        return labels;
    }

    private void ReadRow(NpgsqlDataReader row)
    {
        var jid = row.GetString(1);
        var member = WhatsAppMesh.Events.Jid.Parse(jid).IsLid ? new Entry(jid, null) : new Entry(null, jid);
        if (!_tags.TryGetValue(row.GetInt64(0), out var tags))
            _tags[row.GetInt64(0)] = tags = [];
        tags.Add((member, row.GetString(2), new FactKey(row.Time(3), row.GetInt32(4), row.GetInt64(5), 0)));
    }
}
