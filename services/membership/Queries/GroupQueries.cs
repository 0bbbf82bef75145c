using Google.Protobuf.WellKnownTypes;
using Npgsql;
using WhatsAppMesh.Membership.V1;

namespace WhatsAppMesh.Membership.Queries;

/// <summary>Reads groups.</summary>
internal sealed class GroupQueries(NpgsqlDataSource database)
{
    private const string Columns = """
        g.tenant, g.jid, g.subject, g.description, g.owner_jid, g.addressing_mode, g.linked_parent_jid, g.announce, g.restrict,
        g.join_approval_mode, g.member_add_mode, g.is_community, g.is_community_announce, g.ephemeral_duration, g.created_at,
        g.first_seen_at, g.last_seen_at, g.reported_size,
        (select count(*) from whatsapp_group_participants m where m.group_id = g.id and m.left_at is null)::int
        """;

    /// <summary>A group, or null.</summary>
    public async Task<Group?> GetAsync(string tenant, string jid, CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand($"select {Columns} from whatsapp_groups g where g.tenant = $1 and g.jid = $2");
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = tenant });
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = jid });
        return (await ReadAsync(command, cancellationToken)).SingleOrDefault();
    }

    /// <summary>Groups in the order of their JIDs.</summary>
    /// <param name="after">JID after which to begin; the empty string for the first.</param>
    public async Task<List<Group>> ListAsync(string tenant, string after, int limit, CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand($"select {Columns} from whatsapp_groups g where g.tenant = $1 and g.jid > $2 order by g.jid limit $3");
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = tenant });
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = after });
        command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = limit });
        return await ReadAsync(command, cancellationToken);
    }

    private static async Task<List<Group>> ReadAsync(NpgsqlCommand command, CancellationToken cancellationToken)
    {
        var groups = new List<Group>();
        await using var row = await command.ExecuteReaderAsync(cancellationToken);
        while (await row.ReadAsync(cancellationToken))
            groups.Add(Map(row));
        return groups;
    }

    private static Group Map(NpgsqlDataReader row)
    {
        var group = new Group
        {
            Tenant = row.GetString(0),
            Jid = row.GetString(1),
            Subject = row.Text(2) ?? "",
            Description = row.Text(3) ?? "",
            OwnerJid = row.Text(4) ?? "",
            AddressingMode = row.Text(5) ?? "",
            LinkedParentJid = row.Text(6) ?? "",
            CreatedAt = row.Stamp(14),
            FirstSeenAt = row.Stamp(15),
            LastSeenAt = row.Stamp(16),
            MemberCount = row.GetInt32(18),
            Listed = row.GetInt32(18),
        };
        SetIfSaid(row, 7, value => group.Announce = value);
        SetIfSaid(row, 8, value => group.Restrict = value);
        SetIfSaid(row, 9, value => group.JoinApprovalMode = value);
        SetIfSaid(row, 10, value => group.MemberAddMode = value);
        SetIfSaid(row, 11, value => group.IsCommunity = value);
        SetIfSaid(row, 12, value => group.IsCommunityAnnounce = value);
        if (!row.IsDBNull(13))
            group.EphemeralDuration = row.GetInt64(13);
        if (!row.IsDBNull(17))
            group.ReportedSize = row.GetInt64(17);
        return group;
    }

    private static void SetIfSaid(NpgsqlDataReader row, int column, Action<bool> set)
    {
        if (!row.IsDBNull(column))
            set(row.GetBoolean(column));
    }
}

/// <summary>Columns as the wire has them.</summary>
internal static class WireColumns
{
    /// <summary>A time, or null.</summary>
    public static Timestamp? Stamp(this NpgsqlDataReader row, int column) => row.TimeOrNull(column) is { } time ? Timestamp.FromDateTimeOffset(time) : null;
}
