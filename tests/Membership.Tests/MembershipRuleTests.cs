using System.Text.Json.Nodes;
using WhatsAppMesh.Membership.Tests.Driving;
using static WhatsAppMesh.Membership.Tests.Driving.Collector;

namespace WhatsAppMesh.Membership.Tests;

/// <summary>The rules as the tables show them, on real PostgreSQL.</summary>
public sealed class MembershipRuleTests : IAsyncLifetime
{
    private readonly Collector _collector = new();
    private MembershipDatabase _database = null!;

    public async Task InitializeAsync() => _database = await MembershipDatabase.CreateAsync();

    public async Task DisposeAsync() => await _database.DisposeAsync();

    private Task<List<string>> JoinsAsync() => _database.RowsAsync("select position, jid, state from member_joins order by position, jid");

    [Fact]
    public async Task Roster_seen_again_brings_back_a_member_whose_rejoin_was_lost()
    {
        await _database.ApplyAsync(_collector.Snapshot(Person(Lid(1)), Person(Lid(2))));
        _collector.Clock += TimeSpan.FromHours(1);
        await _database.ApplyAsync(_collector.Update("remove", Person(Lid(2))));
        Assert.Equal([Lid(1)], await _database.ActiveAsync());
        _collector.Clock += TimeSpan.FromHours(1);
        await _database.ApplyAsync(_collector.Snapshot(Person(Lid(1)), Person(Lid(2))));
        Assert.Equal([$"{Lid(1)}|-|12:00|-|-", $"{Lid(2)}|-|12:00|-|-"], await _database.MembersAsync());
        Assert.Equal(2, await _database.ValueAsync<long>("select count(*) from membership_facts where roster is not null"));
        Assert.Equal(1, await _database.ValueAsync<long>("select count(*) from membership_rosters"));
    }

    [Fact]
    public async Task Joins_of_imported_events_are_members_but_never_announced()
    {
        var imported = _collector.Stub("GROUP_PARTICIPANT_ADD", Noon, Person(Lid(1), Phone(1)));
        imported.Imported = true;
        await _database.ApplyAsync(imported);
        Assert.Equal([Lid(1)], await _database.ActiveAsync());
        // The live twin of the same join tells nothing new.
        await _database.ApplyAsync(_collector.Update("add", Person(Lid(1))));
        await _database.ApplyAsync(_collector.Stub("GROUP_PARTICIPANT_ADD", Noon.AddHours(1), Person(Lid(2))));
        Assert.Equal([$"{imported.Position}|{Lid(1)}|confirmed", $"3|{Lid(2)}|pending"], await JoinsAsync());
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_join_that_only_history_shows_to_be_one_is_not_announced(bool inOneBatch)
    {
        var roster = _collector.SnapshotOf(GroupJid, Noon.AddDays(-30), Person(Lid(1)));
        var add = _collector.Stub("GROUP_PARTICIPANT_ADD", Noon, Person(Lid(1)));
        var left = _collector.Stub("GROUP_PARTICIPANT_REMOVE", Noon.AddDays(-1), Person(Lid(1)));
        var rejoined = _collector.Stub("GROUP_PARTICIPANT_ADD", Noon.AddHours(2), Person(Lid(2)));
        left.Imported = true;
        foreach (var batch in inOneBatch ? [[roster, add, left, rejoined]] : new[] { [roster], [add], [left], new[] { rejoined } })
            await _database.ApplyAsync(batch);

        // The add begins a stay of its own since the import, and what happens after it is told as ever.
        Assert.Equal(2, await _database.ValueAsync<long>("select count(*) from whatsapp_group_stays s join whatsapp_participants p on p.id = s.participant_id where p.known_by = '" + Lid(1) + "'"));
        Assert.Equal([$"{add.Position}|{Lid(1)}|confirmed", $"{rejoined.Position}|{Lid(2)}|pending"], await JoinsAsync());
    }

    [Fact]
    public async Task History_takes_back_no_join_that_waits_and_hides_none_that_follows()
    {
        var left = _collector.Stub("GROUP_PARTICIPANT_REMOVE", Noon.AddDays(-1), Person(Lid(1)));
        left.Imported = true;
        var add = _collector.Stub("GROUP_PARTICIPANT_ADD", Noon, Person(Lid(1)));
        var older = _collector.Stub("GROUP_PARTICIPANT_REMOVE", Noon.AddDays(-2), Person(Lid(1)));
        older.Imported = true;

        await _database.ApplyAsync(left, add, older);

        Assert.Equal([$"{add.Position}|{Lid(1)}|pending"], await JoinsAsync());
    }

    [Fact]
    public async Task Stale_snapshot_never_removes_a_newer_member()
    {
        await _database.ApplyAsync(_collector.Stub("GROUP_PARTICIPANT_ADD", Noon.AddMinutes(-5), Person(Lid(2))));
        await _database.ApplyAsync(_collector.Snapshot(Person(Lid(1))));
        Assert.Equal([Lid(1), Lid(2)], await _database.ActiveAsync());
    }

    [Fact]
    public async Task Late_pair_merges_two_people_without_losing_a_membership()
    {
        await _database.ApplyAsync(_collector.Stub("GROUP_PARTICIPANT_ADD", Noon, Person(Phone(1), null, "admin")));
        await _database.ApplyAsync(_collector.StubOf("120363000000000002@g.us", "GROUP_PARTICIPANT_ADD", Noon.AddHours(1), Person(Lid(1))));
        Assert.Equal([Phone(1), Lid(1)], await _database.RowsAsync("select known_by from whatsapp_participants order by id"));
        await _database.ApplyAsync(_collector.Message(Noon.AddHours(2), Lid(1), Phone(1), "Ana"));
        Assert.Equal([$"{Lid(1)}|{Lid(1)}|{Phone(1)}|Ana"], await _database.RowsAsync("select known_by, lid, phone_jid, push_name from whatsapp_participants"));
        Assert.Equal([$"{Lid(1)}|admin|12:00|-|-"], await _database.MembersAsync());
        Assert.Equal([$"{Lid(1)}|-|13:00|-|-"], await _database.MembersAsync("120363000000000002@g.us"));
    }

    [Fact]
    public async Task Merge_of_two_members_of_one_group_is_one_stay_from_the_earlier_start()
    {
        await _database.ApplyAsync(_collector.Stub("GROUP_PARTICIPANT_ADD", Noon, Person(Phone(1))));
        await _database.ApplyAsync(_collector.Stub("GROUP_PARTICIPANT_ADD", Noon.AddMinutes(30), Person(Lid(1))));
        await _database.ApplyAsync(_collector.Message(Noon.AddHours(2), Lid(1), Phone(1)));
        Assert.Equal([$"{Lid(1)}|-|12:00|-|-"], await _database.MembersAsync());
        Assert.Equal(1, await _database.ValueAsync<long>("select count(*) from whatsapp_group_stays"));
        Assert.Equal([$"1|{Phone(1)}|pending", $"2|{Lid(1)}|cancelled"], await JoinsAsync());
    }

    [Fact]
    public async Task After_a_lid_migration_nobody_appears_to_leave_or_join()
    {
        await _database.ApplyAsync(_collector.Stub("GROUP_PARTICIPANT_ADD", Noon, Person(Phone(1)), Person(Phone(2))));
        _collector.Clock += TimeSpan.FromHours(1);
        await _database.ApplyAsync(_collector.Snapshot(Person(Lid(1), Phone(1)), Person(Lid(2), Phone(2))));
        _collector.Clock += TimeSpan.FromHours(1);
        await _database.ApplyAsync(_collector.Snapshot(Person(Lid(1)), Person(Lid(2))));
        Assert.Equal([$"{Lid(1)}|-|12:00|-|-", $"{Lid(2)}|-|12:00|-|-"], await _database.MembersAsync());
        Assert.Equal(2, await _database.ValueAsync<long>("select count(*) from whatsapp_group_stays"));
        Assert.Equal(2, await _database.ValueAsync<long>("select count(*) from member_joins"));
    }

    [Fact]
    public async Task Migration_whose_pairs_come_last_ends_without_a_leave_as_well()
    {
        await _database.ApplyAsync(_collector.Snapshot(Person(Phone(1))));
        _collector.Clock += TimeSpan.FromHours(1);
        await _database.ApplyAsync(_collector.Snapshot(Person(Lid(1))));
        await _database.ApplyAsync(_collector.Message(Noon.AddHours(2), Lid(1), Phone(1)));
        Assert.Equal([$"{Lid(1)}|-|12:00|-|-"], await _database.MembersAsync());
    }

    [Fact]
    public async Task Recycled_phone_is_another_person_and_lids_never_merge()
    {
        await _database.ApplyAsync(_collector.Stub("GROUP_PARTICIPANT_ADD", Noon, Person(Lid(1), Phone(1))));
        await _database.ApplyAsync(_collector.Stub("GROUP_PARTICIPANT_REMOVE", Noon.AddHours(1), Person(Phone(1))));
        await _database.ApplyAsync(_collector.Message(Noon.AddDays(40), Lid(2), Phone(1)));
        await _database.ApplyAsync(_collector.Stub("GROUP_PARTICIPANT_ADD", Noon.AddDays(41), Person(Phone(1))));
        Assert.Equal([$"{Lid(1)}|-|12:00|13:00|-", $"{Lid(2)}|-|12:00|-|-"], await _database.MembersAsync());
        Assert.Equal([$"{Lid(1)}|-", $"{Lid(2)}|{Phone(1)}"], await _database.RowsAsync("select lid, phone_jid from whatsapp_participants order by lid"));
    }

    [Fact]
    public async Task Same_roster_by_phone_means_another_person_once_the_phone_is_recycled()
    {
        await _database.ApplyAsync(_collector.Message(Noon.AddHours(-1), Lid(1), Phone(1)), _collector.Snapshot(Person(Phone(1))));
        Assert.Equal([Lid(1)], await _database.ActiveAsync());
        await _database.ApplyAsync(_collector.Message(Noon.AddHours(1), Lid(2), Phone(1)));
        _collector.Clock += TimeSpan.FromHours(2);
        await _database.ApplyAsync(_collector.Snapshot(Person(Phone(1))));
        Assert.Equal([$"{Lid(1)}|-|12:00|14:00|-", $"{Lid(2)}|-|14:00|-|-"], await _database.MembersAsync());
    }

    [Fact]
    public async Task Checkpoint_is_dropped_when_somebody_in_it_turns_out_to_be_somebody_else()
    {
        await using var database = await MembershipDatabase.CreateAsync(new MembershipOptions { CheckpointFacts = 1, CheckpointAge = TimeSpan.FromMinutes(10) });
        await database.ApplyAsync(_collector.Stub("GROUP_PARTICIPANT_ADD", Noon, Person(Phone(1))));
        await database.ApplyAsync(_collector.Stub("GROUP_PARTICIPANT_ADD", Noon.AddHours(1), Person(Lid(3))));
        await database.ApplyAsync(_collector.Stub("GROUP_PARTICIPANT_ADD", Noon.AddMinutes(55), Person(Lid(2))));
        Assert.Equal(1, await database.ValueAsync<long>("select count(*) from group_checkpoints"));
        await database.ApplyAsync(_collector.Message(Noon.AddHours(2), Lid(1), Phone(1)));
        Assert.Equal([$"{Lid(1)}|-|12:00|-|-", $"{Lid(2)}|-|12:55|-|-", $"{Lid(3)}|-|13:00|-|-"], await database.MembersAsync());
    }

    [Fact]
    public async Task Unlinked_pair_is_ignored_whatever_collectors_say_until_it_is_linked_again()
    {
        var pair = new JsonObject { ["lid"] = Lid(1), ["phone_jid"] = Phone(1) };
        await _database.ApplyAsync(_collector.Snapshot(Person(Phone(1))), _collector.Message(Noon, Lid(1), Phone(1)));
        Assert.Equal([Lid(1)], await _database.ActiveAsync());
        await _database.ApplyAsync(_collector.Event("identity.unlinked", pair.DeepClone(), Noon.AddHours(1)));
        Assert.Equal([Phone(1)], await _database.ActiveAsync());
        await _database.ApplyAsync(_collector.Message(Noon.AddHours(2), Lid(1), Phone(1)));
        Assert.Equal([Phone(1)], await _database.ActiveAsync());
        await _database.ApplyAsync(_collector.Event("identity.linked", pair.DeepClone(), Noon.AddHours(3)));
        Assert.Equal([Lid(1)], await _database.ActiveAsync());
    }

    [Fact]
    public async Task First_seen_only_goes_back_and_last_seen_only_forward_in_steps_of_a_minute()
    {
        const string Seen = "select first_seen_at, last_seen_at from whatsapp_participants";
        await _database.ApplyAsync(_collector.Message(Noon, Lid(1)), _collector.Message(Noon.AddHours(2), Lid(1)));
        Assert.Equal(["03-01 12:00:00.000000|03-01 14:00:00.000000"], await _database.RowsAsync(Seen));
        await _database.ApplyAsync(_collector.Message(Noon.AddHours(2).AddSeconds(59), Lid(1)), _collector.Message(Noon.AddHours(1), Lid(1)));
        Assert.Equal(["03-01 12:00:00.000000|03-01 14:00:00.000000"], await _database.RowsAsync(Seen));
        await _database.ApplyAsync(_collector.Message(Noon.AddHours(-1), Lid(1)), _collector.Message(Noon.AddHours(2).AddSeconds(60), Lid(1)));
        Assert.Equal(["03-01 11:00:00.000000|03-01 14:01:00.000000"], await _database.RowsAsync(Seen));
    }

    [Fact]
    public async Task Later_push_name_wins_whichever_comes_first()
    {
        await _database.ApplyAsync(_collector.Message(Noon.AddSeconds(20), Lid(1), null, "New"));
        await _database.ApplyAsync(_collector.Message(Noon.AddSeconds(10), Lid(1), null, "Old"));
        Assert.Equal(["New"], await _database.RowsAsync("select push_name from whatsapp_participants"));
    }

    [Fact]
    public async Task Each_field_of_a_group_goes_by_its_own_time()
    {
        JsonObject Update(string subject, DateTimeOffset at) => new() { ["id"] = GroupJid, ["subject"] = subject, ["subjectTime"] = at.ToUnixTimeSeconds() };
        await _database.ApplyAsync(_collector.Event("groups.update", Update("Second", Noon.AddHours(-1))));
        _collector.Clock += TimeSpan.FromHours(1);
        await _database.ApplyAsync(_collector.Event("groups.update", Update("First", Noon.AddHours(-2))));
        await _database.ApplyAsync(_collector.Event("groups.update", new JsonObject { ["id"] = GroupJid, ["announce"] = true }));
        Assert.Equal(["Second|True"], await _database.RowsAsync("select subject, announce from whatsapp_groups"));
    }

    [Fact]
    public async Task Label_of_a_member_is_kept_by_jid_and_shown_with_the_person()
    {
        JsonObject Label(string jid, string label) => new() { ["groupId"] = GroupJid, ["participant"] = jid, ["label"] = label };
        await _database.ApplyAsync(_collector.Event("group.member-tag.update", Label(Phone(1), "VIP"), Noon));
        Assert.Empty(await _database.MembersAsync());
        await _database.ApplyAsync(_collector.Stub("GROUP_PARTICIPANT_ADD", Noon.AddMinutes(1), Person(Lid(1), Phone(1))));
        Assert.Equal([$"{Lid(1)}|-|12:01|-|VIP"], await _database.MembersAsync());
        await _database.ApplyAsync(_collector.Event("group.member-tag.update", Label(Lid(1), ""), Noon.AddMinutes(2)));
        Assert.Equal([$"{Lid(1)}|-|12:01|-|-"], await _database.MembersAsync());
    }

    [Fact]
    public async Task Event_handed_over_twice_changes_nothing()
    {
        var add = _collector.Stub("GROUP_PARTICIPANT_ADD", Noon, Person(Lid(1), Phone(1)));
        await _database.ApplyAsync(add);
        var before = await _database.StateAsync();
        await _database.ApplyAsync(add);
        Assert.Equal(before, await _database.StateAsync());
        Assert.Equal([$"1|{Lid(1)}|pending"], await JoinsAsync());
    }

    [Fact]
    public async Task Join_told_in_three_ways_is_announced_once_in_whatever_order_they_come()
    {
        var stub = _collector.Stub("GROUP_PARTICIPANT_ADD", Noon.AddMinutes(-2), Person(Phone(1)));
        var update = _collector.Update("add", Person(Lid(1), Phone(1)));
        var roster = _collector.Snapshot(Person(Lid(1)));
        foreach (var order in (int[][])[[0, 1, 2], [2, 1, 0], [1, 0, 2], [2, 0, 1]])
        {
            await _database.EmptyAsync();
            foreach (var index in order)
                await _database.ApplyAsync(index switch { 0 => stub, 1 => update, _ => roster });
            Assert.Single(await JoinsAsync(), static join => join.EndsWith("pending", StringComparison.Ordinal));
        }
    }

    [Fact]
    public async Task Roster_alone_announces_nobody()
    {
        await _database.ApplyAsync(_collector.Snapshot(Person(Lid(1)), Person(Lid(2))));
        Assert.Empty(await JoinsAsync());
    }

    [Fact]
    public async Task Announcement_that_comes_back_takes_the_waiting_one_of_the_same_stay_away()
    {
        await _database.ApplyAsync(_collector.Update("add", Person(Lid(1))));
        await _database.ApplyAsync(_collector.Stub("GROUP_PARTICIPANT_ADD", Noon.AddMinutes(-1), Person(Lid(1))));
        Assert.Equal([$"1|{Lid(1)}|pending"], await JoinsAsync());
        // A service that was emptied since had announced the stay by the stub, not by the update.
        await _database.ApplyAsync(_collector.Event("member.joined", new JsonObject
        {
            ["group_jid"] = GroupJid,
            ["evidence"] = new JsonObject { ["log"] = 1, ["position"] = 2, ["jid"] = Lid(1) },
        }, Noon));
        Assert.Equal([$"1|{Lid(1)}|cancelled", $"2|{Lid(1)}|confirmed"], await JoinsAsync());
    }

    [Fact]
    public async Task Announcement_that_comes_back_before_its_evidence_still_counts()
    {
        var add = _collector.Stub("GROUP_PARTICIPANT_ADD", Noon, Person(Lid(1)));
        await _database.ApplyAsync(_collector.Event("member.joined", new JsonObject
        {
            ["group_jid"] = GroupJid,
            ["evidence"] = new JsonObject { ["log"] = 1, ["position"] = 1, ["jid"] = Lid(1) },
        }, Noon));
        await _database.ApplyAsync(add);
        Assert.Equal([$"1|{Lid(1)}|confirmed"], await JoinsAsync());
    }

    [Fact]
    public async Task Names_and_labels_may_hold_any_text()
    {
        await _database.ApplyAsync(_collector.Message(Noon, Lid(1), null, "a\0b 😀 \"'\\ \u202e"));
        Assert.Equal(["ab 😀 \"'\\ \u202e"], await _database.RowsAsync("select push_name from whatsapp_participants"));
    }
}
