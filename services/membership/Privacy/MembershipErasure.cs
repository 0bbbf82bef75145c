using System.Text.Json;
using Npgsql;
using WhatsAppMesh.Events;
using WhatsAppMesh.Membership.Store;

namespace WhatsAppMesh.Membership.Privacy;

/// <summary>
/// Renames a person to pseudonyms in every table, and removes what they are called. The fold knows people by their JIDs only, so facts
/// and state renamed alike are what a rebuild from the erased lake gives.
/// </summary>
public sealed class MembershipErasure(NpgsqlDataSource database) : IPersonErasure
{
    // $1 tenant, $2 JID, $3 pseudonym; $4 and $5 the same two as they stand in stored JSON.
    private static readonly (string Table, string Sql)[] Renames =
    [
        ("membership_facts", Inside("membership_facts", "entries")),
        ("group_checkpoints", Inside("group_checkpoints", "members")),
        ("member_joins", Inside("member_joins", "payload")),
        ("member_joins", "update member_joins t set jid = $3 from whatsapp_groups g where g.id = t.group_id and g.tenant = $1 and t.jid = $2"),
        ("whatsapp_group_stays",
            """
            update whatsapp_group_stays t set evidence = replace(t.evidence::text, $4, $5)::jsonb from whatsapp_groups g
            where g.id = t.group_id and g.tenant = $1 and strpos(t.evidence::text, $4) > 0
            """),
        // Whose member the label was then is not stored; whoever bears it under a JID of their own keeps it.
        ("whatsapp_group_participants",
            """
            update whatsapp_group_participants m set tag = null from whatsapp_groups g, group_tags t
            where g.id = m.group_id and g.tenant = $1 and t.group_id = m.group_id and t.jid = $2 and t.label = m.tag
                and not exists (
                    select from group_tags o join whatsapp_participant_jids j on j.tenant = $1 and j.jid = o.jid and j.participant_id = m.participant_id
                    where o.group_id = m.group_id and o.label = m.tag and o.jid <> $2)
            """),
        ("group_tags", "update group_tags t set jid = $3, label = '' from whatsapp_groups g where g.id = t.group_id and g.tenant = $1 and t.jid = $2"),
        ("group_phone_mentions", "update group_phone_mentions set phone = $3 where tenant = $1 and phone = $2"),
        ("identity_pairs",
            """
            update identity_pairs set phone = case when phone = $2 then $3 else phone end, lid = case when lid = $2 then $3 else lid end
            where tenant = $1 and $2 in (phone, lid)
            """),
        ("whatsapp_participants",
            """
            update whatsapp_participants p set known_by = case when known_by = $2 then $3 else known_by end, phone_jid = case when phone_jid = $2 then $3 else phone_jid end,
                push_name = (
                    select j.push_name from whatsapp_participant_jids j where j.participant_id = p.id and j.jid <> $2 and j.push_name is not null
                    order by j.push_name_at desc, j.push_name collate "C" desc limit 1)
            where tenant = $1 and ($2 in (known_by, phone_jid) or id in (select participant_id from whatsapp_participant_jids where tenant = $1 and jid = $2))
            """),
        ("whatsapp_participant_jids", "update whatsapp_participant_jids set jid = $3, push_name = null, push_name_at = null where tenant = $1 and jid = $2"),
    ];

    /// <inheritdoc/>
    public async Task<IReadOnlyDictionary<string, long>> EraseAsync(Erasure erasure, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        await RunAsync(transaction, "select pg_advisory_xact_lock($1)", [MembershipStore.TurnLock], cancellationToken);
        var rows = new Dictionary<string, long>
        {
            ["membership_rosters"] = await EraseRostersAsync(erasure, transaction, cancellationToken),
            ["whatsapp_groups"] = await EraseGroupsAsync(erasure, transaction, cancellationToken),
            ["deliveries.dead_letters"] = await DeliveriesErasure.EraseDeadLettersAsync(erasure, transaction, cancellationToken),
        };
        foreach (var jid in erasure.Person.Jids)
        {
            var pseudonym = erasure.Person.PseudonymOf(jid);
            object[] parameters = [erasure.Tenant, jid.Value, pseudonym, Quoted(jid.Value), Quoted(pseudonym)];
            foreach (var (table, sql) in Renames)
                rows[table] = rows.GetValueOrDefault(table) + await RunAsync(transaction, sql, parameters, cancellationToken);
        }
        await transaction.CommitAsync(cancellationToken);
        return rows;
    }

    /// <summary>A roster is known by a hash of its entries: one that is renamed is another one, and the facts point to that.</summary>
    private static async Task<long> EraseRostersAsync(Erasure erasure, NpgsqlTransaction transaction, CancellationToken cancellationToken)
    {
        var found = new List<(long Group, Guid Hash, string Entries)>();
        await using (var find = Command(
            transaction,
            """
            select r.group_id, r.hash, r.entries from membership_rosters r join whatsapp_groups g on g.id = r.group_id
            where g.tenant = $1 and r.entries ~ $2 order by r.group_id, r.hash
            """,
            [erasure.Tenant, erasure.Person.Pattern]))
        {
            await using var reader = await find.ExecuteReaderAsync(cancellationToken);
            while (await reader.ReadAsync(cancellationToken))
                found.Add((reader.GetInt64(0), reader.GetGuid(1), reader.GetString(2)));
        }
        var erased = 0;
        foreach (var (group, hash, entries) in found)
        {
            var (text, renamed) = EntryText.Roster([.. EntryText.Read(entries).Select(entry => entry with { Lid = Renamed(entry.Lid), Phone = Renamed(entry.Phone) })]);
            if (renamed == hash)
                continue;
            erased++;
            await RunAsync(transaction,
                """
                insert into membership_rosters as r (group_id, hash, entries, oldest_order_at, oldest_at)
                select group_id, $3, $4, oldest_order_at, oldest_at from membership_rosters where group_id = $1 and hash = $2
                on conflict (group_id, hash) do update set
                    oldest_order_at = least(r.oldest_order_at, excluded.oldest_order_at), oldest_at = least(r.oldest_at, excluded.oldest_at)
                """, [group, hash, renamed, text], cancellationToken);
            await RunAsync(transaction, "update membership_facts set roster = $3 where group_id = $1 and roster = $2", [group, hash, renamed], cancellationToken);
            await RunAsync(transaction, "update whatsapp_groups set folded_roster = $3 where id = $1 and folded_roster = $2", [group, hash, renamed], cancellationToken);
            await RunAsync(transaction, "delete from membership_rosters where group_id = $1 and hash = $2", [group, hash], cancellationToken);
        }
        return erased;

        string? Renamed(string? jid) => erasure.Person.Jids.FirstOrDefault(known => known.Value == jid) is { IsEmpty: false } known ? erasure.Person.PseudonymOf(known) : jid;
    }

    private static async Task<long> EraseGroupsAsync(Erasure erasure, NpgsqlTransaction transaction, CancellationToken cancellationToken)
    {
        var found = new List<(long Id, string?[] Texts)>();
        await using (var find = Command(
            transaction,
            "select id, subject, description, owner_jid from whatsapp_groups where tenant = $1 and concat_ws(' ', subject, description, owner_jid) ~ $2",
            [erasure.Tenant, erasure.Person.Pattern]))
        {
            await using var reader = await find.ExecuteReaderAsync(cancellationToken);
            while (await reader.ReadAsync(cancellationToken))
                found.Add((reader.GetInt64(0), [reader.Text(1), reader.Text(2), reader.Text(3)]));
        }
        foreach (var (id, texts) in found)
        {
            var erased = texts.Select(text => text is null ? DBNull.Value : (object)erasure.Person.Replace(text)).ToArray();
            await RunAsync(transaction, "update whatsapp_groups set subject = $2::text, description = $3::text, owner_jid = $4::text where id = $1", [id, .. erased], cancellationToken);
        }
        return found.Count;
    }

    private static string Inside(string table, string column) =>
        $"update {table} t set {column} = replace(t.{column}, $4, $5) from whatsapp_groups g where g.id = t.group_id and g.tenant = $1 and strpos(t.{column}, $4) > 0";

    private static string Quoted(string jid) => $"\"{JsonEncodedText.Encode(jid)}\"";

    private static async Task<long> RunAsync(NpgsqlTransaction transaction, string sql, object[] parameters, CancellationToken cancellationToken)
    {
        await using var command = Command(transaction, sql, parameters);
        return Math.Max(0, await command.ExecuteNonQueryAsync(cancellationToken));
    }

    private static NpgsqlCommand Command(NpgsqlTransaction transaction, string sql, object[] parameters)
    {
        var command = new NpgsqlCommand(sql, transaction.Connection, transaction) { CommandTimeout = 300 };
        foreach (var parameter in parameters)
            command.Parameters.Add(new NpgsqlParameter { Value = parameter });
        return command;
    }
}
