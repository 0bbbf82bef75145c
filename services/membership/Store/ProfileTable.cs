using System.Text.Json;
using Npgsql;
using WhatsAppMesh.Membership.Events;
using WhatsAppMesh.Membership.Facts;

namespace WhatsAppMesh.Membership.Store;

/// <summary>
/// Reads and writes the fields of groups: what was stated last (whatsapp_groups.stated_fields), every telling of a change
/// (group_field_changes), and the columns that both come to.
/// </summary>
internal sealed class ProfileTable
{
    private const string OfGroups = """
        select g.tenant, g.jid, g.stated_fields::text from unnest($1::text[], $2::text[]) k(tenant, jid)
        cross join lateral (select * from whatsapp_groups where tenant = k.tenant and jid = k.jid limit 1) g
        """;

    private const string ChangesOfGroups = """
        select g.tenant, g.jid, c.order_at, c.log, c.position, c.ordinal, c.field, c.value, c.untimed, c.received_at, c.source
        from unnest($1::text[], $2::text[]) k(tenant, jid)
        cross join lateral (select id, tenant, jid from whatsapp_groups where tenant = k.tenant and jid = k.jid limit 1) g
        cross join lateral (select * from group_field_changes where group_id = g.id offset 0) c
        """;

    private static readonly GroupField[] Fields = Enum.GetValues<GroupField>();

    private readonly Dictionary<GroupKey, GroupProfile> _profiles = [];
    private readonly HashSet<GroupKey> _changed = [];
    private readonly List<GroupFieldChange> _new = [];

    /// <summary>Loads what is known of the groups.</summary>
    public void Load(RoundTrip trip, IReadOnlyCollection<GroupKey> groups)
    {
        if (groups.Count == 0)
            return;
        foreach (var group in groups)
            _profiles[group] = new GroupProfile();
        object[] keys = [groups.Select(static group => group.Tenant).ToArray(), groups.Select(static group => group.Jid).ToArray()];
        trip.Read(OfGroups, row => ReadStated(row.GetString(2), _profiles[new GroupKey(row.GetString(0), row.GetString(1))]), keys);
        trip.Read(ChangesOfGroups, row => _profiles[new GroupKey(row.GetString(0), row.GetString(1))].Add(ReadChange(row)), keys);
    }

    /// <summary>Takes what a batch says of the loaded groups.</summary>
    public void Merge(Observations seen)
    {
        foreach (var group in seen.Groups)
        {
            foreach (var field in group.Fields)
            {
                if (_profiles[group.Group].Merge(field))
                    _changed.Add(group.Group);
            }
        }
        foreach (var change in seen.FieldChanges)
        {
            if (!_profiles[change.Group].Add(change.Change))
                continue;
            _new.Add(change);
            _changed.Add(change.Group);
        }
    }

    /// <summary>Every loaded profile counts as changed: what it is made of was rewritten.</summary>
    public void Rewrite() => _changed.UnionWith(_profiles.Keys);

    /// <summary>Writes what changed.</summary>
    public void Save(RoundTrip trip, Func<GroupKey, long> idOf)
    {
        SaveChanges(trip, idOf);
        var rows = _changed.Select(group => (Id: idOf(group), Profile: _profiles[group])).OrderBy(static row => row.Id).ToArray();
        if (rows.Length == 0)
            return;
        trip.Run("""
            update whatsapp_groups g set
                stated_fields = v.stated_fields::jsonb,
                subject = v.subject, description = v.description, owner_jid = v.owner, addressing_mode = v.addressing_mode,
                linked_parent_jid = v.linked_parent, announce = v.announce::boolean, restrict = v.restrict::boolean,
                join_approval_mode = v.join_approval_mode::boolean, member_add_mode = v.member_add_mode::boolean,
                is_community = v.is_community::boolean, is_community_announce = v.is_community_announce::boolean,
                ephemeral_duration = v.ephemeral_duration::bigint, created_at = v.created_at::timestamptz, reported_size = v.reported_size::bigint,
                member_link_mode = v.member_link_mode::boolean
            from unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[], $10::text[],
                    $11::text[], $12::text[], $13::text[], $14::text[], $15::text[], $16::text[], $17::text[])
                v(id, stated_fields, subject, description, owner, addressing_mode, linked_parent, announce, restrict, join_approval_mode,
                    member_add_mode, is_community, is_community_announce, ephemeral_duration, created_at, reported_size, member_link_mode)
            where g.id = v.id and g.id = any($1)
            """,
            [
                rows.Select(static row => row.Id).ToArray(), rows.Select(static row => StatedText(row.Profile)).ToArray(),
                .. Fields.Select(field => (object)rows.Select(row => row.Profile[field]).ToArray()),
            ]);
    }

    private void SaveChanges(RoundTrip trip, Func<GroupKey, long> idOf)
    {
        var rows = _new.Select(change => (Group: idOf(change.Group), change.Change)).OrderBy(static row => row.Group).ThenBy(static row => row.Change.Key).ToArray();
        if (rows.Length == 0)
            return;
        trip.Run("""
            insert into group_field_changes (group_id, order_at, log, position, ordinal, field, value, untimed, received_at, source)
            select * from unnest($1::bigint[], $2::timestamptz[], $3::int[], $4::bigint[], $5::int[], $6::text[], $7::text[],
                $8::boolean[], $9::timestamptz[], $10::text[])
            on conflict do nothing
            """,
            rows.Select(static row => row.Group).ToArray(), rows.Select(static row => row.Change.Key.OrderAt).ToArray(),
            rows.Select(static row => row.Change.Key.Log).ToArray(), rows.Select(static row => row.Change.Key.Position).ToArray(),
            rows.Select(static row => row.Change.Key.Ordinal).ToArray(), rows.Select(static row => row.Change.Field.ToString()).ToArray(),
            rows.Select(static row => row.Change.Value).ToArray(), rows.Select(static row => row.Change.IsUntimed).ToArray(),
            rows.Select(static row => row.Change.ReceivedAt).ToArray(), rows.Select(static row => row.Change.Source).ToArray());
    }

    // {"Subject": ["text or null", "micros/log/position"], ...}
    private static string StatedText(GroupProfile profile) => JsonSerializer.Serialize(
        profile.Stated.ToDictionary(static field => field.Field.ToString(), static field => new[] { field.Value, field.Version.ToString() }),
        StoreJson.Default.DictionaryStringStringArray);

    private static void ReadStated(string text, GroupProfile into)
    {
        foreach (var (field, stated) in JsonSerializer.Deserialize(text, StoreJson.Default.DictionaryStringStringArray)!)
            into.Merge(new FieldValue(Enum.Parse<GroupField>(field), stated[0], FieldVersion.Parse(stated[1]!)));
    }

    private static FieldChange ReadChange(NpgsqlDataReader row) => new(
        Enum.Parse<GroupField>(row.GetString(6)), row.Text(7),
        new FactKey(row.Time(2), row.GetInt32(3), row.GetInt64(4), row.GetInt32(5)), row.GetBoolean(8), row.Time(9), row.GetString(10));
}
