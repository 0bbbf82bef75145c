using System.Text.Json.Nodes;
using WhatsAppMesh.Events;
using WhatsAppMesh.Events.V1;
using WhatsAppMesh.Membership.Privacy;
using WhatsAppMesh.Membership.Tests.Driving;
using static WhatsAppMesh.Membership.Tests.Driving.Collector;

namespace WhatsAppMesh.Membership.Tests;

/// <summary>A member who changes their number stays the member they were: on PostgreSQL, whatever comes first.</summary>
public sealed class NumberChangeTests : IAsyncLifetime
{
    private const string Other = "120363000000000002@g.us";

    private readonly Collector _collector = new();
    private MembershipDatabase _database = null!;

    public async Task InitializeAsync() => _database = await MembershipDatabase.CreateAsync();

    public async Task DisposeAsync() => await _database.DisposeAsync();

    private Task<List<string>> StaysAsync() => _database.RowsAsync("""
        select p.known_by, to_char(s.joined_at at time zone 'utc', 'HH24:MI'), to_char(s.left_at at time zone 'utc', 'HH24:MI') from whatsapp_group_stays s
        join whatsapp_participants p on p.id = s.participant_id order by 1, 2
        """);

    private Task<List<string>> PeopleAsync() => _database.RowsAsync("select known_by, lid, phone_jid from whatsapp_participants order by known_by collate \"C\"");

    private CollectedEvent[] ToldAnHourLater()
    {
        _collector.Clock = Noon.AddHours(1);
        return [_collector.ChangedNumber(Noon.AddHours(1), Phone(2), Phone(9)), _collector.Modified(Phone(2), Phone(9))];
    }

    [Theory]
    [InlineData(true, true)]
    [InlineData(true, false)]
    [InlineData(false, true)]
    public async Task Stay_passes_on_to_the_new_number_with_its_role_and_start_and_nobody_joins(bool stub, bool update)
    {
        await _database.ApplyAsync(_collector.Snapshot(Person(Phone(1), null, "admin"), Person(Phone(2), null, "admin")));
        var told = ToldAnHourLater();
        await _database.ApplyAsync(told.Where((_, index) => index == 0 ? stub : update));
        Assert.Equal([$"{Phone(1)}|admin|12:00|-|-", $"{Phone(9)}|admin|12:00|-|-"], await _database.MembersAsync());
        Assert.Equal([$"{Phone(1)}|12:00|-", $"{Phone(9)}|12:00|-"], await StaysAsync());
        Assert.Equal(0, await _database.ValueAsync<long>("select count(*) from member_joins"));
        Assert.Equal([$"{Phone(1)}|-|{Phone(1)}", $"{Phone(9)}|-|{Phone(9)}"], await PeopleAsync());
    }

    [Fact]
    public async Task Rosters_from_before_and_after_the_change_end_nothing_whichever_number_they_list()
    {
        await _database.ApplyAsync(_collector.Snapshot(Person(Phone(1)), Person(Phone(2))));
        await _database.ApplyAsync(ToldAnHourLater());
        foreach (var (minute, listed) in new[] { (1, 9), (2, 2), (50, 9), (600, 9) })
        {
            _collector.Clock = Noon.AddMinutes(60 + minute);
            await _database.ApplyAsync(_collector.Snapshot(Person(Phone(1)), Person(Phone(listed))));
        }
        Assert.Equal([$"{Phone(1)}|12:00|-", $"{Phone(9)}|12:00|-"], await StaysAsync());
    }

    [Fact]
    public async Task Change_that_is_told_last_of_all_gives_the_same()
    {
        await _database.ApplyAsync(_collector.Snapshot(Person(Phone(1)), Person(Phone(2), null, "admin")));
        var told = ToldAnHourLater();
        _collector.Clock = Noon.AddHours(3);
        await _database.ApplyAsync(_collector.Snapshot(Person(Phone(1)), Person(Phone(9), null, "admin")));
        await _database.ApplyAsync(told);
        Assert.Equal([$"{Phone(1)}|-|12:00|-|-", $"{Phone(9)}|admin|12:00|-|-"], await _database.MembersAsync());
        Assert.Equal([$"{Phone(1)}|-|{Phone(1)}", $"{Phone(9)}|-|{Phone(9)}"], await PeopleAsync());
    }

    [Fact]
    public async Task Join_that_was_announced_under_the_old_number_is_not_announced_again()
    {
        await _database.ApplyAsync(_collector.Stub("GROUP_PARTICIPANT_ADD", Noon, Person(Phone(2))));
        await _database.ApplyAsync(ToldAnHourLater());
        await _database.ApplyAsync(_collector.Update("add", Person(Phone(9))));
        Assert.Equal([$"1|{Phone(2)}|pending"], await _database.RowsAsync("select position, jid, state from member_joins"));
        await _database.ApplyAsync(_collector.Stub("GROUP_PARTICIPANT_REMOVE", Noon.AddHours(2), Person(Phone(9))));
        Assert.Equal([$"{Phone(9)}|12:00|14:00"], await StaysAsync());
    }

    [Fact]
    public async Task Person_keeps_their_id_when_the_number_changes_and_when_a_lid_is_learned()
    {
        await _database.ApplyAsync(_collector.Snapshot(Person(Phone(1)), Person(Phone(2))));
        var id = await IdAsync(Phone(2));
        await _database.ApplyAsync(ToldAnHourLater());
        Assert.Equal((id, id), (await IdAsync(Phone(9)), await IdAsync(Phone(2))));
        await _database.ApplyAsync(_collector.Message(Noon.AddHours(3), Lid(2), Phone(9), "Bia"));
        Assert.Equal((id, id, id), (await IdAsync(Lid(2)), await IdAsync(Phone(9)), await IdAsync(Phone(2))));
        Assert.Equal([$"{Lid(2)}|{Lid(2)}|{Phone(9)}|Bia"], await _database.RowsAsync($"select known_by, lid, phone_jid, push_name from whatsapp_participants where id = {id}"));
        Assert.Equal([$"{Phone(1)}|-|12:00|-|-", $"{Lid(2)}|-|12:00|-|-"], await _database.MembersAsync());

        Task<long> IdAsync(string jid) => _database.ValueAsync<long>($"select participant_id from whatsapp_participant_jids where jid = '{jid}'");
    }

    [Fact]
    public async Task Change_of_number_is_about_every_group_in_which_the_person_is()
    {
        await _database.ApplyAsync(_collector.Snapshot(Person(Phone(2))), _collector.SnapshotOf(Other, null, Person(Phone(2), null, "admin"), Person(Phone(3))));
        await _database.ApplyAsync(_collector.Event("group.member-tag.update", new JsonObject { ["groupId"] = Other, ["participant"] = Phone(2), ["label"] = "VIP" }, Noon, Other));
        await _database.ApplyAsync(ToldAnHourLater());
        Assert.Equal([$"{Phone(9)}|-|12:00|-|-"], await _database.MembersAsync());
        Assert.Equal([$"{Phone(3)}|-|12:00|-|-", $"{Phone(9)}|admin|12:00|-|VIP"], await _database.MembersAsync(Other));
    }

    [Fact]
    public async Task Second_change_reaches_the_groups_that_know_the_first_number_alone()
    {
        await _database.ApplyAsync(_collector.SnapshotOf(Other, null, Person(Phone(2))));
        await _database.ApplyAsync(ToldAnHourLater());
        await _database.ApplyAsync(_collector.ChangedNumber(Noon.AddHours(5), Phone(9), Phone(10)));
        Assert.Equal([Phone(10)], await _database.ActiveAsync(Other));
        await _database.ApplyAsync(_collector.ChangedNumber(Noon.AddHours(9), Phone(10), Phone(2)));
        Assert.Equal([Phone(2)], await _database.ActiveAsync(Other));
        Assert.Equal([$"{Phone(2)}|-|{Phone(2)}"], await PeopleAsync());
        await _database.ApplyAsync(_collector.Message(Noon.AddHours(10), Lid(2), Phone(2)));
        Assert.Equal([$"{Lid(2)}|-|12:00|-|-"], await _database.MembersAsync(Other));
    }

    [Fact]
    public async Task Member_whose_lid_is_known_is_shown_with_the_new_number()
    {
        await _database.ApplyAsync(_collector.Snapshot(Person(Lid(2), Phone(2)), Person(Phone(1), Lid(1))));
        await _database.ApplyAsync(ToldAnHourLater());
        Assert.Equal([$"{Lid(1)}|{Lid(1)}|{Phone(1)}", $"{Lid(2)}|{Lid(2)}|{Phone(9)}"], await PeopleAsync());
        _collector.Clock = Noon.AddHours(4);
        await _database.ApplyAsync(_collector.Snapshot(Person(Phone(1)), Person(Phone(9))));
        Assert.Equal([$"{Lid(1)}|12:00|-", $"{Lid(2)}|12:00|-"], await StaysAsync());
    }

    [Fact]
    public async Task Old_number_that_somebody_else_is_seen_with_later_is_theirs_from_then_on()
    {
        await _database.ApplyAsync(_collector.Snapshot(Person(Phone(2))));
        await _database.ApplyAsync(ToldAnHourLater());
        await _database.ApplyAsync(_collector.Message(Noon.AddDays(60), Lid(5), Phone(2)));
        await _database.ApplyAsync(_collector.Stub("GROUP_PARTICIPANT_ADD", Noon.AddDays(61), Person(Phone(2))));
        Assert.Equal([$"{Phone(9)}|12:00|-", $"{Lid(5)}|12:00|-"], await StaysAsync());
        Assert.Equal([$"{Phone(9)}|-|{Phone(9)}", $"{Lid(5)}|{Lid(5)}|{Phone(2)}"], await PeopleAsync());
    }

    [Fact]
    public async Task Batch_takes_more_statements_for_changed_numbers_only()
    {
        await _database.ApplyAsync(_collector.Snapshot(Person(Phone(1)), Person(Phone(2))));
        var before = _database.Statements.Count;
        await _database.ApplyAsync(_collector.Snapshot(Person(Phone(1)), Person(Phone(2)), Person(Phone(3))));
        var plain = _database.Statements.Count - before;
        await _database.ApplyAsync(ToldAnHourLater());
        _collector.Clock = Noon.AddHours(3);
        before = _database.Statements.Count;
        await _database.ApplyAsync(_collector.Snapshot(Person(Phone(1)), Person(Phone(9)), Person(Phone(4))));
        Assert.InRange(_database.Statements.Count - before - plain, 1, 4);
    }

    [Fact]
    public async Task Erased_number_is_gone_from_the_changes_and_the_person_is_one_pseudonym_as_before()
    {
        await _database.ApplyAsync(_collector.Snapshot(Person(Phone(1)), Person(Phone(2))), _collector.SnapshotOf(Other, null, Person(Phone(9))));
        await _database.ApplyAsync(ToldAnHourLater());
        var person = new Person(Guid.NewGuid(), [Jid.Parse(Phone(2)), Jid.Parse(Phone(9))]);
        var rows = await new MembershipErasure(_database.Source, new MembershipOptions())
            .EraseAsync(new Erasure("acme", Guid.NewGuid(), person, "reason", "ops", "", new Dictionary<int, long>()), default);
        Assert.Equal(2, rows["number_changes"]);
        var pseudonym = person.PseudonymOf(Jid.Parse(Phone(9)));
        Assert.Equal(new[] { Phone(1), pseudonym }.Order(StringComparer.Ordinal), await _database.ActiveAsync());
        Assert.Equal([pseudonym], await _database.ActiveAsync(Other));
        Assert.DoesNotContain(await _database.StateAsync(), person.MayBeIn);
    }
}
