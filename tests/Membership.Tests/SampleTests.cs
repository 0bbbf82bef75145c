using WhatsAppMesh.Membership.Tests.Driving;

namespace WhatsAppMesh.Membership.Tests;

/// <summary>Each sample event gives what the index of the samples expects of it.</summary>
public sealed class SampleTests : IAsyncLifetime
{
    private readonly Collector _collector = new();
    private MembershipDatabase _database = null!;

    public async Task InitializeAsync() => _database = await MembershipDatabase.CreateAsync();

    public async Task DisposeAsync() => await _database.DisposeAsync();

    private async Task ApplyAsync(params string[] samples)
    {
        foreach (var sample in samples)
        {
            await _database.ApplyAsync(_collector.Sample(sample));
            _collector.Clock += TimeSpan.FromMinutes(1);
        }
    }

    [Fact]
    public async Task Snapshot_by_lid_has_four_active_members_with_their_roles()
    {
        await ApplyAsync("33_groups_metadata_lid_with_phone.json");
        Assert.Equal(
            [
                "999000000000001@lid|superadmin|12:00|-|-", "999000000000002@lid|admin|12:00|-|-",
                "999000000000003@lid|-|12:00|-|-", "999000000000004@lid|-|12:00|-|-",
            ], await _database.MembersAsync());
    }

    [Fact]
    public async Task Snapshot_stores_the_fields_of_the_group()
    {
        await ApplyAsync("33_groups_metadata_lid_with_phone.json");
        Assert.Equal(
            ["Grupo Sintético|Descrição de teste|999000000000001@lid|lid|120363000000009999@g.us|False|True|False|False|False|False|604800|04-04 15:06:40.000000"],
            await _database.RowsAsync("""
                select subject, description, owner_jid, addressing_mode, linked_parent_jid, announce, restrict, join_approval_mode, member_add_mode,
                    is_community, is_community_announce, ephemeral_duration, created_at from whatsapp_groups
                """));
    }

    [Theory]
    [InlineData("35_groups_metadata_missing_participants.json")]
    [InlineData("36_groups_metadata_empty_participants.json")]
    public async Task Missing_or_empty_roster_removes_nobody(string sample)
    {
        await ApplyAsync("33_groups_metadata_lid_with_phone.json");
        var before = await _database.MembersAsync();
        await ApplyAsync(sample);
        Assert.Equal(before, await _database.MembersAsync());
    }

    [Fact]
    public async Task Snapshot_by_phone_maps_to_the_same_persons()
    {
        await ApplyAsync("33_groups_metadata_lid_with_phone.json", "38_groups_metadata_pn_addressed_with_lid.json");
        Assert.Equal(["999000000000001@lid", "999000000000002@lid"], await _database.ActiveAsync("120363000000000002@g.us"));
        Assert.Equal(4, await _database.ValueAsync<long>("select count(*) from whatsapp_participants"));
    }

    [Fact]
    public async Task Added_people_are_active_and_one_who_leaves_gets_left_at()
    {
        await ApplyAsync("24_group_participants_add.json");
        Assert.Equal(["999000000000006@lid", "999000000000007@lid"], await _database.ActiveAsync());
        await ApplyAsync("25_group_participants_leave.json");
        Assert.Equal(["999000000000006@lid|-|12:00|12:01|-", "999000000000007@lid|-|12:00|-|-"], await _database.MembersAsync());
    }

    [Fact]
    public async Task Promotion_and_demotion_go_by_the_action_not_by_the_stale_role_of_the_row()
    {
        await ApplyAsync("24_group_participants_add.json", "27_group_participants_promote.json");
        Assert.Contains("999000000000007@lid|admin|12:00|-|-", await _database.MembersAsync());
        await ApplyAsync("28_group_participants_demote.json");
        Assert.Contains("999000000000007@lid|-|12:00|-|-", await _database.MembersAsync());
    }

    [Fact]
    public async Task Change_of_number_is_no_join_and_no_leave()
    {
        await ApplyAsync("24_group_participants_add.json");
        var before = await _database.MembersAsync();
        await ApplyAsync("30_group_participants_modify_number_change.json");
        Assert.Equal(before, await _database.MembersAsync());
        Assert.Equal(["12025550160@s.whatsapp.net"], await _database.RowsAsync("select phone_jid from whatsapp_participants where lid = '999000000000006@lid'"));
    }

    [Fact]
    public async Task Stub_adds_with_the_servers_time()
    {
        await ApplyAsync("12_messages_upsert_stub_participant_add.json");
        Assert.Equal(["999000000000006@lid|06-01 12:00:00.000000"], await _database.RowsAsync("""
            select p.lid, m.joined_at from whatsapp_group_participants m join whatsapp_participants p on p.id = m.participant_id
            """));
    }

    [Fact]
    public async Task Deltas_change_only_the_fields_they_carry()
    {
        await ApplyAsync("33_groups_metadata_lid_with_phone.json", "31_groups_update_subject.json", "32_groups_update_announce.json");
        Assert.Equal(["Grupo Sintético (novo nome)|Descrição de teste|True|True"],
            await _database.RowsAsync("select subject, description, announce, restrict from whatsapp_groups"));
        Assert.Equal(4, (await _database.ActiveAsync()).Count);
    }

    [Theory]
    [InlineData("42_groups_upsert_create.json")]
    [InlineData("43_groups_update_full_snapshot.json")]
    public async Task Full_metadata_is_a_snapshot_whatever_the_event_is_called(string sample)
    {
        await ApplyAsync(sample);
        Assert.Equal(4, (await _database.ActiveAsync()).Count);
    }

    [Fact]
    public async Task Join_request_names_a_person_and_is_no_membership()
    {
        await ApplyAsync("44_group_join_request.json");
        Assert.Empty(await _database.MembersAsync());
        Assert.Equal(["999000000000050@lid|12025550150@s.whatsapp.net"], await _database.RowsAsync("select lid, phone_jid from whatsapp_participants"));
    }

    [Theory]
    [InlineData("02_ingest_v2_messages_upsert_text.json", "999000000000003@lid|12025550103@s.whatsapp.net|Bia Exemplo|06-01 12:00:00.000000")]
    [InlineData("14_messages_upsert_timestamp_long_object.json", "999000000000007@lid|-|Caio Exemplo|05-31 12:00:00.000000")]
    [InlineData("15_messages_upsert_ciphertext_placeholder.json", "999000000000008@lid|12025550108@s.whatsapp.net|Duda Exemplo|06-01 12:00:10.000000")]
    [InlineData("19_messages_reaction_removed.json", "999000000000004@lid|12025550104@s.whatsapp.net|-|06-01 12:00:05.123000")]
    [InlineData("20_messages_update_revoke.json", "999000000000001@lid|12025550101@s.whatsapp.net|-|03-01 12:00:00.000000")]
    public async Task Every_kind_of_message_shows_who_sent_it(string sample, string person)
    {
        await ApplyAsync(sample);
        Assert.Equal([person], await _database.RowsAsync("select lid, phone_jid, push_name, last_seen_at from whatsapp_participants"));
        Assert.Empty(await _database.MembersAsync());
    }

    [Fact]
    public async Task Roster_of_1024_takes_as_many_statements_as_one_of_four()
    {
        await ApplyAsync("33_groups_metadata_lid_with_phone.json");
        var small = _database.Statements.Count;
        await ApplyAsync("41_groups_metadata_1024_members.json");
        var large = _database.Statements.Count - small;
        Assert.Equal(1024, (await _database.ActiveAsync("120363000000001024@g.us")).Count);
        Assert.Equal(small, large);
        Assert.InRange(large, 10, 30);
    }

    [Fact]
    public async Task Unchanged_roster_of_1024_adds_one_fact_and_touches_no_member()
    {
        const string Versions = """
            select md5(string_agg(t::text, ',' order by t)) from (
                select (participant_id, xmin)::text as t from whatsapp_group_participants union all select (id, xmin)::text from whatsapp_participants
                union all select (jid, xmin)::text from whatsapp_participant_jids union all select (participant_id, xmin)::text from whatsapp_group_stays
                union all select (hash, xmin)::text from membership_rosters) v
            """;
        await ApplyAsync("41_groups_metadata_1024_members.json");
        var before = await _database.ValueAsync<string>(Versions);
        await ApplyAsync("41_groups_metadata_1024_members.json");
        Assert.Equal(before, await _database.ValueAsync<string>(Versions));
        Assert.Equal(2, await _database.ValueAsync<long>("select count(*) from membership_facts"));
    }
}
