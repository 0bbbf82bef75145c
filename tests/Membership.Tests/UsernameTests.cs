using WhatsAppMesh.Events;
using WhatsAppMesh.Membership.Privacy;
using WhatsAppMesh.Membership.Tests.Driving;
using static WhatsAppMesh.Membership.Tests.Driving.Collector;

namespace WhatsAppMesh.Membership.Tests;

/// <summary>Usernames, kept per JID and summed up per person, whatever order they are told in.</summary>
public sealed class UsernameTests : IAsyncLifetime
{
    private readonly Collector _collector = new();
    private MembershipDatabase _database = null!;

    public async Task InitializeAsync() => _database = await MembershipDatabase.CreateAsync();

    public async Task DisposeAsync() => await _database.DisposeAsync();

    private Task<List<string>> UsernamesAsync() => _database.RowsAsync("select known_by, username from whatsapp_participants order by 1");

    [Fact]
    public async Task Last_username_counts_in_whatever_order_they_are_told()
    {
        var told = new[]
        {
            _collector.MessageOf(Noon, Lid(1), "ana"), _collector.MessageOf(Noon.AddMinutes(2), Lid(1), "ana.maria"), _collector.MessageOf(Noon.AddMinutes(1), Lid(1), "ana_"),
        };
        foreach (var order in new[] { new[] { 0, 1, 2 }, [2, 1, 0], [1, 0, 2], [1, 2, 0] })
        {
            await _database.EmptyAsync();
            foreach (var index in order)
                await _database.ApplyAsync(told[index]);
            Assert.Equal([$"{Lid(1)}|ana.maria"], await UsernamesAsync());
        }
    }

    [Fact]
    public async Task Person_said_to_have_none_has_none_and_an_older_telling_gives_it_back_to_nobody()
    {
        await _database.ApplyAsync(_collector.MessageOf(Noon, Lid(1), "ana"), _collector.Nameless(Noon.AddMinutes(5), Lid(1)));
        Assert.Equal([$"{Lid(1)}|-"], await UsernamesAsync());
        await _database.ApplyAsync(_collector.MessageOf(Noon.AddMinutes(4), Lid(1), "ana"));
        Assert.Equal([$"{Lid(1)}|-"], await UsernamesAsync());
        await _database.ApplyAsync(_collector.MessageOf(Noon.AddMinutes(6), Lid(1), "ana2"));
        Assert.Equal([$"{Lid(1)}|ana2"], await UsernamesAsync());
    }

    [Fact]
    public async Task Message_that_says_nothing_of_a_username_leaves_it()
    {
        await _database.ApplyAsync(_collector.MessageOf(Noon, Lid(1), "ana"), _collector.Message(Noon.AddMinutes(5), Lid(1), null, "Ana"));
        Assert.Equal([$"{Lid(1)}|ana"], await UsernamesAsync());
    }

    [Fact]
    public async Task Of_a_person_s_jids_the_one_told_last_says_the_username()
    {
        await _database.ApplyAsync(_collector.MessageOf(Noon.AddMinutes(3), Phone(1), "later"), _collector.MessageOf(Noon, Lid(1), "earlier"));
        Assert.Equal([$"{Phone(1)}|later", $"{Lid(1)}|earlier"], await UsernamesAsync());
        await _database.ApplyAsync(_collector.Message(Noon.AddHours(1), Lid(1), Phone(1)));
        Assert.Equal([$"{Lid(1)}|later"], await UsernamesAsync());
        // Told again under the other JID, within the minute in which the person was last seen.
        await _database.ApplyAsync(_collector.MessageOf(Noon.AddMinutes(4), Lid(1), "earlier"));
        Assert.Equal([$"{Lid(1)}|earlier"], await UsernamesAsync());
        await _database.ApplyAsync(_collector.Nameless(Noon.AddMinutes(5), Phone(1)));
        Assert.Equal([$"{Lid(1)}|-"], await UsernamesAsync());
    }

    [Fact]
    public async Task Name_told_again_under_one_jid_beats_the_other_s_that_was_told_meanwhile()
    {
        await _database.ApplyAsync(_collector.Message(Noon.AddHours(9), Lid(1), Phone(1)));
        await _database.ApplyAsync(_collector.Message(Noon, Lid(1), null, "Ana"), _collector.Message(Noon.AddMinutes(1), Phone(1), null, "Bia"));
        await _database.ApplyAsync(_collector.Message(Noon.AddMinutes(2), Lid(1), null, "Ana"));
        Assert.Equal(["Ana"], await _database.RowsAsync("select push_name from whatsapp_participants"));
    }

    [Fact]
    public async Task Username_goes_along_with_a_changed_number()
    {
        await _database.ApplyAsync(_collector.MessageOf(Noon, Phone(1), "ana"), _collector.ChangedNumber(Noon.AddHours(1), Phone(1), Phone(9)));
        Assert.Equal([$"{Phone(9)}|ana"], await UsernamesAsync());
    }

    [Fact]
    public async Task Username_is_erased_with_the_person_and_nobody_else_s()
    {
        await _database.ApplyAsync(_collector.MessageOf(Noon, Lid(1), "ana", Phone(1)), _collector.MessageOf(Noon, Phone(1), "anaphone"), _collector.MessageOf(Noon, Lid(2), "bia"));
        var person = new Person(Guid.NewGuid(), [Jid.Parse(Lid(1)), Jid.Parse(Phone(1))]);
        await new MembershipErasure(_database.Source, new MembershipOptions())
            .EraseAsync(new Erasure("acme", Guid.NewGuid(), person, "reason", "ops", "", new Dictionary<int, long>()), default);
        Assert.Equal(new[] { $"{Lid(2)}|bia", $"{person.PseudonymOf(Jid.Parse(Lid(1)))}|-" }.Order(StringComparer.Ordinal), (await UsernamesAsync()).Order(StringComparer.Ordinal));
        Assert.Equal(["bia"], await _database.RowsAsync("select username from whatsapp_participant_jids where username is not null"));
    }
}
