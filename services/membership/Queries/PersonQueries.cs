using Npgsql;
using WhatsAppMesh.Membership.V1;

namespace WhatsAppMesh.Membership.Queries;

/// <summary>Where a page of stays begins: after the stay with this sort key.</summary>
internal readonly record struct StayKey(DateTimeOffset JoinedAt, long GroupId, long ParticipantId, int Number);

/// <summary>Reads people, their JIDs and their stays.</summary>
internal sealed class PersonQueries(NpgsqlDataSource database)
{
    private const string Person = """
        select p.id, p.lid, p.phone_jid, p.push_name, p.first_seen_at, p.last_seen_at,
            array(select jid from whatsapp_participant_jids where participant_id = p.id
                union select phone from identity_pairs where tenant = p.tenant and lid = p.lid and since is not null and not is_unlinked order by 1),
            p.username
        from whatsapp_participants p
        """;

    /// <summary>The person whom a JID belongs to now, or null.</summary>
    public Task<Participant?> GetAsync(string tenant, string jid, CancellationToken cancellationToken) =>
        FindAsync($"{Person} join whatsapp_participant_jids j on j.participant_id = p.id where j.tenant = $1 and j.jid = $2", tenant, jid, cancellationToken);

    /// <summary>
    /// The person who goes by a username, in whatever case it is written; null when nobody does. Of several the one of whom it was told last.
    /// </summary>
    public Task<Participant?> GetByUsernameAsync(string tenant, string username, CancellationToken cancellationToken) => FindAsync(
        $"""
        {Person} where p.tenant = $1 and p.username is not null and lower(p.username) = lower($2)
        order by (select max(username_at) from whatsapp_participant_jids where participant_id = p.id and lower(username) = lower($2)) desc,
            p.known_by limit 1
        """, tenant, username, cancellationToken);

    private async Task<Participant?> FindAsync(string sql, string tenant, string key, CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand(sql);
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = tenant });
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = key });
        await using var row = await command.ExecuteReaderAsync(cancellationToken);
        if (!await row.ReadAsync(cancellationToken))
            return null;
        return new Participant
        {
            Tenant = tenant,
            ParticipantId = row.GetInt64(0),
            Lid = row.Text(1) ?? "",
            PhoneJid = row.Text(2) ?? "",
            PushName = row.Text(3) ?? "",
            FirstSeenAt = row.Stamp(4),
            LastSeenAt = row.Stamp(5),
            Jids = { row.GetFieldValue<string[]>(6) },
            Username = row.Text(7) ?? "",
        };
    }

    /// <summary>Owners of JIDs, for those that are known.</summary>
    public async Task<Dictionary<string, ResolvedJid>> ResolveAsync(string tenant, string[] jids, CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand("""
            select j.jid, p.id, p.lid, p.phone_jid from unnest($2::text[]) k(jid)
            cross join lateral (select * from whatsapp_participant_jids where tenant = $1 and jid = k.jid limit 1) j
            cross join lateral (select * from whatsapp_participants where id = j.participant_id limit 1) p
            """);
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = tenant });
        command.Parameters.Add(new NpgsqlParameter<string[]> { TypedValue = jids });
        var resolved = new Dictionary<string, ResolvedJid>(StringComparer.Ordinal);
        await using var row = await command.ExecuteReaderAsync(cancellationToken);
        while (await row.ReadAsync(cancellationToken))
        {
            resolved[row.GetString(0)] = new ResolvedJid
            {
                Jid = row.GetString(0),
                ParticipantId = row.GetInt64(1),
                Lid = row.Text(2) ?? "",
                PhoneJid = row.Text(3) ?? "",
            };
        }
        return resolved;
    }

    /// <summary>Stays in a group, of a person, or both, oldest first.</summary>
    public async Task<List<(Stay Stay, StayKey Key)>> ListStaysAsync(
        string tenant, long? group, long? participant, StayKey? after, int limit, CancellationToken cancellationToken)
    {
        await using var command = database.CreateCommand("""
            select g.jid, p.id, p.lid, p.phone_jid, s.joined_at, s.left_at, s.group_id, s.number, p.username
            from whatsapp_group_stays s join whatsapp_groups g on g.id = s.group_id join whatsapp_participants p on p.id = s.participant_id
            where g.tenant = $1 and ($2::bigint is null or s.group_id = $2) and ($3::bigint is null or s.participant_id = $3)
                and ($4::timestamptz is null or (s.joined_at, s.group_id, s.participant_id, s.number) > ($4, $5, $6, $7))
            order by s.joined_at, s.group_id, s.participant_id, s.number limit $8
            """);
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = tenant });
        command.Parameters.Add(new NpgsqlParameter<long?> { TypedValue = group });
        command.Parameters.Add(new NpgsqlParameter<long?> { TypedValue = participant });
        command.Parameters.Add(new NpgsqlParameter<DateTimeOffset?> { TypedValue = after?.JoinedAt });
        command.Parameters.Add(new NpgsqlParameter<long> { TypedValue = after?.GroupId ?? 0 });
        command.Parameters.Add(new NpgsqlParameter<long> { TypedValue = after?.ParticipantId ?? 0 });
        command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = after?.Number ?? 0 });
        command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = limit });
        var stays = new List<(Stay, StayKey)>();
        await using var row = await command.ExecuteReaderAsync(cancellationToken);
        while (await row.ReadAsync(cancellationToken))
        {
            var stay = new Stay
            {
                GroupJid = row.GetString(0),
                ParticipantId = row.GetInt64(1),
                Lid = row.Text(2) ?? "",
                PhoneJid = row.Text(3) ?? "",
                JoinedAt = row.Stamp(4),
                LeftAt = row.Stamp(5),
                Username = row.Text(8) ?? "",
            };
            stays.Add((stay, new StayKey(row.Time(4), row.GetInt64(6), row.GetInt64(1), row.GetInt32(7))));
        }
        return stays;
    }
}
