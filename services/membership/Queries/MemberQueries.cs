using Google.Protobuf.WellKnownTypes;
using Npgsql;
using WhatsAppMesh.Membership.Facts;
using WhatsAppMesh.Membership.Store;
using WhatsAppMesh.Membership.V1;

namespace WhatsAppMesh.Membership.Queries;

/// <summary>Reads who is in a group now, and who was at some time.</summary>
internal sealed class MemberQueries(NpgsqlDataSource database)
{
    /// <summary>Id of a group, or null.</summary>
    public async Task<long?> GroupIdAsync(string tenant, string jid, CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand("select id from whatsapp_groups where tenant = $1 and jid = $2");
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = tenant });
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = jid });
        return (long?)await command.ExecuteScalarAsync(cancellationToken);
    }

    /// <summary>Members in the order of their ids, after <paramref name="after"/>.</summary>
    public async Task<List<Member>> ListAsync(long group, bool adminsOnly, bool includeLeft, long after, int limit, CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand("""
            select p.id, p.lid, p.phone_jid, p.push_name, m.role, m.joined_at, m.left_at, m.tag, p.username
            from whatsapp_group_participants m join whatsapp_participants p on p.id = m.participant_id
            where m.group_id = $1 and m.participant_id > $2 and (not $3 or m.role is not null) and ($4 or m.left_at is null)
            order by m.participant_id limit $5
            """);
        command.Parameters.Add(new NpgsqlParameter<long> { TypedValue = group });
        command.Parameters.Add(new NpgsqlParameter<long> { TypedValue = after });
        command.Parameters.Add(new NpgsqlParameter<bool> { TypedValue = adminsOnly });
        command.Parameters.Add(new NpgsqlParameter<bool> { TypedValue = includeLeft });
        command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = limit });
        var members = new List<Member>();
        await using var row = await command.ExecuteReaderAsync(cancellationToken);
        while (await row.ReadAsync(cancellationToken))
        {
            members.Add(new Member
            {
                ParticipantId = row.GetInt64(0),
                Lid = row.Text(1) ?? "",
                PhoneJid = row.Text(2) ?? "",
                PushName = row.Text(3) ?? "",
                Role = row.Text(4) switch { "superadmin" => Role.Superadmin, "admin" => Role.Admin, _ => Role.Unspecified },
                JoinedAt = row.Stamp(5),
                LeftAt = row.Stamp(6),
                Tag = row.Text(7) ?? "",
                Username = row.Text(8) ?? "",
            });
        }
        return members;
    }

    /// <summary>
    /// Who was in the group at <paramref name="at"/>: the fold of the facts up to then, roles and times as of then, in the order of ids.
    /// Who is who, names and phones are as known today. A label is told only if it was given by then and is still the last one.
    /// </summary>
    public async Task<List<Member>> ListAsOfAsync(string tenant, long group, DateTimeOffset at, bool adminsOnly, long after, int limit, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(System.Data.IsolationLevel.RepeatableRead, cancellationToken);
        var (facts, pairs, tags) = (new FactTable(), new IdentityTable(), new TagTable());
        var trip = new RoundTrip(transaction);
        // A twin that tells when something happened may be ahead of our clock.
        facts.Load(trip, [(group, null)], at + Untimed.Offset);
        pairs.LoadMentioned(trip, [group]);
        tags.Load(trip, [group]);
        await trip.SendAsync(cancellationToken);
        await pairs.LoadLinkedAsync(transaction, null, cancellationToken);

        var identity = pairs.Of(tenant);
        var labels = tags.Of(group, identity, at);
        var present = Fold.Of(facts.Of(group), identity, at).Members
            .Where(member => member.Value.IsActive && (!adminsOnly || member.Value.Role > MemberRole.Member))
            .ToDictionary(static member => member.Key, static member => member.Value, StringComparer.Ordinal);
        var page = new List<Member>();
        trip = new RoundTrip(transaction);
        trip.Read("""
            select p.id, p.known_by, p.lid, p.phone_jid, p.push_name, p.username from unnest($2::text[]) k(known_by)
            cross join lateral (select * from whatsapp_participants where tenant = $1 and known_by = k.known_by and id > $3 limit 1) p
            order by p.id limit $4
            """, row => page.Add(Map(row, present[row.GetString(1)], labels)), tenant, present.Keys.ToArray(), after, limit);
        await trip.SendAsync(cancellationToken);
        return page;
    }

    private static Member Map(NpgsqlDataReader row, MemberState state, Dictionary<string, string> labels) => new()
    {
        ParticipantId = row.GetInt64(0),
        Lid = row.Text(2) ?? "",
        PhoneJid = row.Text(3) ?? "",
        PushName = row.Text(4) ?? "",
        Username = row.Text(5) ?? "",
        Role = (Role)state.Role,
        JoinedAt = state.JoinedAt is { } joined ? Timestamp.FromDateTimeOffset(joined) : null,
        Tag = labels.GetValueOrDefault(row.GetString(1), ""),
    };
}
