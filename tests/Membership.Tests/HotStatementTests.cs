using System.Text.Json.Nodes;
using WhatsAppMesh.Events.V1;
using WhatsAppMesh.Membership.Tests.Driving;
using static WhatsAppMesh.Membership.Tests.Driving.Collector;

namespace WhatsAppMesh.Membership.Tests;

/// <summary>
/// The planner knows nothing of a table that was never analysed, and a statement that then reads all of it is a thousand times too slow.
/// Every statement of a batch must find its rows by index in tables of 100,000 rows.
/// </summary>
public sealed class HotStatementTests : IAsyncLifetime
{
    private const int Rows = 100_000;

    private const string Fill = """
        alter table whatsapp_groups set (autovacuum_enabled = false);
        alter table whatsapp_participants set (autovacuum_enabled = false);
        alter table whatsapp_participant_jids set (autovacuum_enabled = false);
        alter table identity_pairs set (autovacuum_enabled = false);
        alter table number_changes set (autovacuum_enabled = false);
        alter table membership_rosters set (autovacuum_enabled = false);
        alter table membership_facts set (autovacuum_enabled = false);
        alter table group_field_changes set (autovacuum_enabled = false);
        alter table group_phone_mentions set (autovacuum_enabled = false);
        alter table group_checkpoints set (autovacuum_enabled = false);
        alter table group_tags set (autovacuum_enabled = false);
        alter table whatsapp_group_participants set (autovacuum_enabled = false);
        alter table whatsapp_group_stays set (autovacuum_enabled = false);
        alter table member_joins set (autovacuum_enabled = false);
        insert into whatsapp_groups (tenant, jid, first_seen_at, last_active_at) select 'acme', 'g' || n || '@g.us', now(), now() from generate_series(1, ROWS) n;
        insert into whatsapp_participants (tenant, known_by) select 'acme', 'p' || n || '@lid' from generate_series(1, ROWS) n;
        insert into whatsapp_participant_jids (tenant, jid, participant_id) select 'acme', 'p' || n || '@lid', n from generate_series(1, ROWS) n;
        insert into identity_pairs (tenant, phone, lid, since) select 'acme', n || '@s.whatsapp.net', 'p' || n || '@lid', now() from generate_series(1, ROWS) n;
        insert into number_changes (tenant, old_phone, new_phone, first_at, last_at) select 'acme', n || '@s.whatsapp.net', n || '00@s.whatsapp.net', now(), now() from generate_series(1, ROWS) n;
        insert into membership_rosters (group_id, hash, entries, oldest_order_at, oldest_at, is_whole) select n, gen_random_uuid(), '[]', now(), now(), true from generate_series(1, ROWS) n;
        insert into membership_facts (group_id, order_at, log, position, ordinal, kind, at, untimed, entries, received_at, source) select n, now(), 1, n, 0, 2, now(), false, '[]', now(), 'default' from generate_series(1, ROWS) n;
        insert into group_field_changes (group_id, order_at, log, position, ordinal, field, untimed, received_at, source)
            select n, now(), 1, n, 0, 'Subject', false, now(), 'default' from generate_series(1, ROWS) n;
        insert into group_phone_mentions (tenant, phone, group_id) select 'acme', n || '@s.whatsapp.net', n from generate_series(1, ROWS) n;
        insert into group_checkpoints (group_id, order_at, log, position, ordinal, members) select n, now(), 1, n, 0, '[]' from generate_series(1, ROWS) n;
        insert into group_tags (group_id, jid, label, order_at, log, position) select n, 'p' || n || '@lid', 'x', now(), 1, n from generate_series(1, ROWS) n;
        insert into whatsapp_group_participants (group_id, participant_id, is_left_untimed) select n, n, false from generate_series(1, ROWS) n;
        insert into whatsapp_group_stays (group_id, participant_id, number, joined_at, is_start_untimed, is_end_untimed, is_end_by_roster, evidence)
            select n, n, 0, now(), false, false, false, '[]' from generate_series(1, ROWS) n;
        insert into member_joins (group_id, log, position, jid, event_id, state, tenant, joined_at, payload)
            select n, 1, n, 'p' || n || '@lid', gen_random_uuid(), 'sent', 'acme', now(), '' from generate_series(1, ROWS) n;
        """;

    private readonly Collector _collector = new();
    private MembershipDatabase _database = null!;

    public async Task InitializeAsync()
    {
        _database = await MembershipDatabase.CreateAsync();
        await using var command = _database.Source.CreateCommand(Fill.Replace("ROWS", Rows.ToString(), StringComparison.Ordinal));
        command.CommandTimeout = 120;
        await command.ExecuteNonQueryAsync();
    }

    public async Task DisposeAsync() => await _database.DisposeAsync();

    [Fact]
    public async Task No_statement_of_a_batch_reads_a_whole_table()
    {
        var before = await ReadRowsAsync();
        await ApplyAsync();
        await ApplyAsync();
        Assert.Empty(Difference(before, await ReadRowsAsync()));

        // The count itself must work: here is a whole table read on purpose.
        await _database.RowsAsync("select max(first_seen_at) from whatsapp_groups");
        Assert.Equal(["whatsapp_groups"], Difference(before, await ReadRowsAsync()));
    }

    private static List<string> Difference(List<(string Table, long Rows)> before, List<(string Table, long Rows)> after) =>
        [.. after.Zip(before).Where(static pair => pair.First.Rows > pair.Second.Rows).Select(static pair => pair.First.Table)];

    // Something of everything: rosters, deltas in and out of order, merges, decisions, labels, messages, announcements.
    private Task ApplyAsync() => _database.ApplyAsync(((IEnumerable<CollectedEvent>)
    [
        _collector.Sample("41_groups_metadata_1024_members.json"),
        _collector.Sample("12_messages_upsert_stub_participant_add.json"),
        _collector.Update("add", Person(Phone(1)), Person(Lid(2))),
        _collector.Stub("GROUP_PARTICIPANT_REMOVE", Noon.AddHours(-1), Person(Lid(2))),
        _collector.Message(Noon.AddMinutes(_collector.Clock.Minute), Lid(_collector.Clock.Minute + 1), Phone(1), "Ana"),
        _collector.ChangedNumber(Noon.AddMinutes(_collector.Clock.Minute), Phone(_collector.Clock.Minute + 1), Phone(_collector.Clock.Minute + 2)),
        _collector.Event("identity.unlinked", new JsonObject { ["lid"] = Lid(1), ["phone_jid"] = Phone(1) }, _collector.Clock),
        _collector.Event("group.member-tag.update", new JsonObject { ["groupId"] = GroupJid, ["participant"] = Lid(2), ["label"] = "x" }, Noon),
        _collector.Event("member.joined", new JsonObject { ["group_jid"] = GroupJid, ["evidence"] = new JsonObject { ["log"] = 1, ["position"] = 3, ["jid"] = Lid(2) } }, Noon),
    ]).Select(one =>
    {
        _collector.Clock += TimeSpan.FromMinutes(1);
        return one;
    }));

    private async Task<List<(string Table, long Rows)>> ReadRowsAsync()
    {
        // Counts reach the view when the session that made them says so; the pool holds the one session that this test uses.
        await _database.RowsAsync("select pg_stat_force_next_flush()::text");
        await _database.RowsAsync("select 1");
        var rows = await _database.RowsAsync("select relname, seq_tup_read from pg_stat_user_tables where schemaname = 'public' order by relname");
        return [.. rows.Select(static row => row.Split('|')).Select(static parts => (parts[0], long.Parse(parts[1], null)))];
    }
}
