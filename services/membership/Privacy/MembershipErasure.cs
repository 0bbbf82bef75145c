using System.Text.Json;
using Npgsql;
using WhatsAppMesh.Events;
using WhatsAppMesh.Membership.Events;
using WhatsAppMesh.Membership.Store;

namespace WhatsAppMesh.Membership.Privacy;

/// <summary>
/// Renames a person to pseudonyms in facts, pairs, changes of number, labels and sightings, where they may stand already from an erasure
/// before, and folds again what is made of those. The fold knows people by their JIDs only, so that is what a rebuild from the erased lake gives.
/// </summary>
/// <param name="database">Membership's database.</param>
/// <param name="options">How groups are folded.</param>
public sealed class MembershipErasure(NpgsqlDataSource database, MembershipOptions options) : IPersonErasure
{
    // $1 tenant, $2 JID, $3 pseudonym.
    private static readonly (string Table, string Sql)[] Merges =
    [
        ("member_joins",
            """
            with old as (delete from member_joins t using whatsapp_groups g where g.id = t.group_id and g.tenant = $1 and t.jid = $2 returning t.*)
            insert into member_joins (group_id, log, position, jid, event_id, state, tenant, joined_at, payload, hold_until)
            select group_id, log, position, $3, event_id, state, tenant, joined_at, payload, hold_until from old on conflict do nothing
            """),
        ("group_tags",
            """
            with old as (delete from group_tags t using whatsapp_groups g where g.id = t.group_id and g.tenant = $1 and t.jid = $2 returning t.*)
            insert into group_tags as t (group_id, jid, label, order_at, log, position) select group_id, $3, '', order_at, log, position from old
            on conflict (group_id, jid) do update set order_at = excluded.order_at, log = excluded.log, position = excluded.position
            where (excluded.order_at, excluded.log, excluded.position) > (t.order_at, t.log, t.position)
            """),
        ("group_phone_mentions",
            """
            with old as (delete from group_phone_mentions where tenant = $1 and phone = $2 returning *)
            insert into group_phone_mentions (tenant, phone, group_id) select tenant, $3, group_id from old on conflict do nothing
            """),
        ("identity_pairs",
            """
            with old as (delete from identity_pairs where tenant = $1 and $2 in (phone, lid) returning *)
            insert into identity_pairs as t (tenant, phone, lid, since, is_unlinked, decided_order_at, decided_log, decided_position)
            select tenant, case when phone = $2 then $3 else phone end, case when lid = $2 then $3 else lid end,
                since, is_unlinked, decided_order_at, decided_log, decided_position from old
            on conflict (tenant, phone, lid) do update set since = least(t.since, excluded.since),
                (is_unlinked, decided_order_at, decided_log, decided_position) = (
                    select d.is_unlinked, d.order_at, d.log, d.position
                    from (values (t.is_unlinked, t.decided_order_at, t.decided_log, t.decided_position),
                        (excluded.is_unlinked, excluded.decided_order_at, excluded.decided_log, excluded.decided_position)) d(is_unlinked, order_at, log, position)
                    order by d.order_at desc nulls last, d.log desc, d.position desc limit 1)
            """),
        ("number_changes",
            """
            with old as (delete from number_changes where tenant = $1 and $2 in (old_phone, new_phone) returning *)
            insert into number_changes as t (tenant, old_phone, new_phone, first_at, last_at)
            select tenant, case when old_phone = $2 then $3 else old_phone end, case when new_phone = $2 then $3 else new_phone end,
                first_at, last_at from old
            on conflict (tenant, old_phone, new_phone) do update set
                first_at = least(t.first_at, excluded.first_at), last_at = greatest(t.last_at, excluded.last_at)
            """),
        // Without what the person is called; that they have no username names nobody.
        ("whatsapp_participant_jids",
            """
            with old as (delete from whatsapp_participant_jids where tenant = $1 and jid = $2 returning *)
            insert into whatsapp_participant_jids as t (tenant, jid, participant_id, owned_since, first_seen_at, last_active_at, username_at)
            select tenant, $3, participant_id, owned_since, first_seen_at, last_active_at, case when username is null then username_at end from old
            on conflict (tenant, jid) do update set first_seen_at = least(t.first_seen_at, excluded.first_seen_at),
                last_active_at = greatest(t.last_active_at, excluded.last_active_at), username_at = greatest(t.username_at, excluded.username_at)
            """),
        ("whatsapp_participants",
            """
            update whatsapp_participants p set known_by = $3 where tenant = $1 and known_by = $2
                and not exists (select from whatsapp_participants o where o.tenant = $1 and o.known_by = $3)
            """),
    ];

    // $1 tenant, $2 JIDs and pseudonyms: these, the phones paired with them, and the phones that changes of number lead to.
    private const string ReachedSql =
        """
        with recursive reached(jid) as (
            (select jid from unnest($2::text[]) jid union select phone from identity_pairs where tenant = $1 and lid = any($2))
            union
            select c.jid from reached r cross join lateral (
                select new_phone as jid from number_changes where tenant = $1 and old_phone = r.jid
                union all
                select old_phone from number_changes where tenant = $1 and new_phone = r.jid) c)
        select jid from reached
        """;

    // ... $2 all of these: who they are, or were.
    private const string PeopleSql = "select distinct participant_id from whatsapp_participant_jids where tenant = $1 and jid = any($2)";

    // ... $3 people, $4 all of these: where the fold depends on them.
    private const string GroupsSql =
        """
        select group_id from whatsapp_group_participants where participant_id = any($3)
        union select m.group_id from group_phone_mentions m where m.tenant = $1 and m.phone = any($4)
        union select t.group_id from group_tags t join whatsapp_groups g on g.id = t.group_id where g.tenant = $1 and t.jid = any($4)
        order by group_id
        """;

    // ... and JIDs that may be another one's now.
    private const string OwnedSql =
        """
        select jid from whatsapp_participant_jids where tenant = $1 and (jid = any($4) or participant_id = any($3))
        union select phone from identity_pairs where tenant = $1 and lid = any($2)
        """;

    // Whose JIDs are another one's now.
    private const string EmptySql =
        """
        delete from whatsapp_participants p where p.tenant = $1 and p.known_by = any($2) and p.id = any($3)
            and not exists (select from whatsapp_participant_jids j where j.participant_id = p.id)
        """;

    /// <inheritdoc/>
    public async Task<IReadOnlyDictionary<string, long>> EraseAsync(Erasure erasure, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        await RunAsync(transaction, "select pg_advisory_xact_lock($1)", [MembershipStore.TurnLock], cancellationToken);
        string[] names = [.. erasure.Person.Jids.SelectMany(jid => new[] { jid.Value, erasure.Person.PseudonymOf(jid) })];
        var reached = (await ListAsync<string>(transaction, ReachedSql, [erasure.Tenant, names], cancellationToken)).ToArray();
        var people = (await ListAsync<long>(transaction, PeopleSql, [erasure.Tenant, reached], cancellationToken)).ToArray();
        object[] scope = [erasure.Tenant, names, people, reached];
        var groups = await ListAsync<long>(transaction, GroupsSql, scope, cancellationToken);
        var told = await EraseGroupsAsync(erasure, transaction, cancellationToken);
        var rows = new Dictionary<string, long>
        {
            ["membership_rosters"] = await EraseRostersAsync(erasure, transaction, cancellationToken),
            ["whatsapp_groups"] = told.Count,
            ["deliveries.dead_letters"] = await DeliveriesErasure.EraseDeadLettersAsync(erasure, transaction, cancellationToken),
            ["deliveries.texts"] = await DeliveriesErasure.EraseTextsAsync(erasure, transaction, cancellationToken),
        };
        await RenameAsync(erasure, transaction, rows, cancellationToken);
        if (rows.Values.Any(static count => count > 0))
        {
            var jids = (await ListAsync<string>(transaction, OwnedSql, scope, cancellationToken)).ConvertAll(jid => new PersonKey(erasure.Tenant, jid));
            await new MembershipStore(transaction, options).FoldAgainAsync(jids, [.. groups.Union(told).Order()], cancellationToken);
            await RunAsync(transaction, EmptySql, scope, cancellationToken);
        }
        await transaction.CommitAsync(cancellationToken);
        return rows;
    }

    private static async Task RenameAsync(Erasure erasure, NpgsqlTransaction transaction, Dictionary<string, long> rows, CancellationToken cancellationToken)
    {
        foreach (var jid in erasure.Person.Jids)
        {
            var pseudonym = erasure.Person.PseudonymOf(jid);
            foreach (var (table, column) in new[] { ("membership_facts", "entries"), ("member_joins", "payload") })
                rows[table] = rows.GetValueOrDefault(table) + await RunAsync(transaction, Inside(table, column), [erasure.Tenant, Quoted(jid.Value), Quoted(pseudonym)], cancellationToken);
            foreach (var (table, sql) in Merges)
                rows[table] = rows.GetValueOrDefault(table) + await RunAsync(transaction, sql, [erasure.Tenant, jid.Value, pseudonym], cancellationToken);
        }
    }

    /// <summary>A roster is known by a hash of its entries: one that is renamed is another one, and the facts point to that.</summary>
    private static async Task<long> EraseRostersAsync(Erasure erasure, NpgsqlTransaction transaction, CancellationToken cancellationToken)
    {
        var found = new List<(long Group, Guid Hash, string Entries, bool IsWhole)>();
        await using (var find = Command(
            transaction,
            """
            select r.group_id, r.hash, r.entries, r.is_whole from membership_rosters r join whatsapp_groups g on g.id = r.group_id
            where g.tenant = $1 and r.entries ~ $2 order by r.group_id, r.hash
            """,
            [erasure.Tenant, erasure.Person.Pattern]))
        {
            await using var reader = await find.ExecuteReaderAsync(cancellationToken);
            while (await reader.ReadAsync(cancellationToken))
                found.Add((reader.GetInt64(0), reader.GetGuid(1), reader.GetString(2), reader.GetBoolean(3)));
        }
        var erased = 0;
        foreach (var (group, hash, entries, isWhole) in found)
        {
            var (text, renamed) = EntryText.Roster(
                [.. EntryText.Read(entries).Select(entry => entry with { Lid = Renamed(entry.Lid), Phone = Renamed(entry.Phone) })], isWhole);
            if (renamed == hash)
                continue;
            erased++;
            await RunAsync(transaction,
                """
                insert into membership_rosters as r (group_id, hash, entries, oldest_order_at, oldest_at, is_whole)
                select group_id, $3, $4, oldest_order_at, oldest_at, is_whole from membership_rosters where group_id = $1 and hash = $2
                on conflict (group_id, hash) do update set
                    oldest_order_at = least(r.oldest_order_at, excluded.oldest_order_at), oldest_at = least(r.oldest_at, excluded.oldest_at)
                """, [group, hash, renamed, text], cancellationToken);
            await RunAsync(transaction, "update membership_facts set roster = $3 where group_id = $1 and roster = $2", [group, hash, renamed], cancellationToken);
            await RunAsync(transaction, "delete from membership_rosters where group_id = $1 and hash = $2", [group, hash], cancellationToken);
        }
        return erased;

        string? Renamed(string? jid) => erasure.Person.Jids.FirstOrDefault(known => known.Value == jid) is { IsEmpty: false } known ? erasure.Person.PseudonymOf(known) : jid;
    }

    // What was said of groups and what became of it: the fields are made of it again when the groups are folded.
    private static async Task<List<long>> EraseGroupsAsync(Erasure erasure, NpgsqlTransaction transaction, CancellationToken cancellationToken)
    {
        var changed = new List<long>();
        var stated = await TextsAsync(
            transaction, "select id, '', stated_fields::text from whatsapp_groups where tenant = $1 and stated_fields::text ~ $2 order by id",
            [erasure.Tenant, erasure.Person.SearchPattern], cancellationToken);
        foreach (var (id, _, fields) in stated)
        {
            if (ErasedFields(fields, erasure.Person) is not { } erased)
                continue;
            changed.Add(id);
            await RunAsync(transaction, "update whatsapp_groups set stated_fields = $2::jsonb where id = $1", [id, erased], cancellationToken);
        }
        var told = await TextsAsync(
            transaction,
            """
            select distinct c.group_id, c.field, c.value from group_field_changes c join whatsapp_groups g on g.id = c.group_id
            where g.tenant = $1 and c.value ~ $2 order by 1, 2, 3
            """,
            [erasure.Tenant, erasure.Person.Pattern], cancellationToken);
        foreach (var (id, field, value) in told)
        {
            var erased = PayloadErasure.EraseText(value, erasure.Person);
            if (erased == value)
                continue;
            changed.Add(id);
            await RunAsync(
                transaction, "update group_field_changes set value = $4 where group_id = $1 and field = $2 and value = $3", [id, field, value, erased], cancellationToken);
        }
        return [.. changed.Distinct()];
    }

    // {"Subject": ["text or null", "version"], ...}: of a version nothing is a person's, whatever digits it has.
    private static string? ErasedFields(string text, Person person)
    {
        var fields = JsonSerializer.Deserialize(text, StoreJson.Default.DictionaryStringStringArray)!;
        var isChanged = false;
        foreach (var values in fields.Values)
        {
            if (values[0] is { } value && PayloadErasure.EraseText(value, person) is var erased && erased != value)
                (values[0], isChanged) = (erased, true);
        }
        return isChanged ? JsonSerializer.Serialize(fields, StoreJson.Default.DictionaryStringStringArray) : null;
    }

    private static async Task<List<(long Id, string Name, string Text)>> TextsAsync(
        NpgsqlTransaction transaction, string sql, object[] parameters, CancellationToken cancellationToken)
    {
        await using var command = Command(transaction, sql, parameters);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var rows = new List<(long, string, string)>();
        while (await reader.ReadAsync(cancellationToken))
            rows.Add((reader.GetInt64(0), reader.GetString(1), reader.GetString(2)));
        return rows;
    }

    private static string Inside(string table, string column) =>
        $"update {table} t set {column} = replace(t.{column}, $2, $3) from whatsapp_groups g where g.id = t.group_id and g.tenant = $1 and strpos(t.{column}, $2) > 0";

    private static string Quoted(string jid) => $"\"{JsonEncodedText.Encode(jid)}\"";

    private static async Task<long> RunAsync(NpgsqlTransaction transaction, string sql, object[] parameters, CancellationToken cancellationToken)
    {
        await using var command = Command(transaction, sql, parameters);
        return Math.Max(0, await command.ExecuteNonQueryAsync(cancellationToken));
    }

    private static async Task<List<T>> ListAsync<T>(NpgsqlTransaction transaction, string sql, object[] parameters, CancellationToken cancellationToken)
    {
        await using var command = Command(transaction, sql, parameters);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var list = new List<T>();
        while (await reader.ReadAsync(cancellationToken))
            list.Add(reader.GetFieldValue<T>(0));
        return list;
    }

    private static NpgsqlCommand Command(NpgsqlTransaction transaction, string sql, object[] parameters)
    {
        var command = new NpgsqlCommand(sql, transaction.Connection, transaction) { CommandTimeout = 300 };
        foreach (var parameter in parameters)
            command.Parameters.Add(new NpgsqlParameter { Value = parameter });
        return command;
    }
}
