using System.Text.Json.Nodes;
using WhatsAppMesh.Events.V1;
using static WhatsAppMesh.Membership.Tests.Driving.Collector;

namespace WhatsAppMesh.Membership.Tests.Driving;

/// <summary>
/// A history made from a seed: snapshots, deltas, stubs, messages, labels, merges, recycled and changed phones, operators' decisions,
/// duplicates and wrong clocks, in two groups with few enough people that everything meets everything.
/// </summary>
public sealed class RandomHistory
{
    private const int People = 5;

    // Some belong to nobody's LID until somebody changes their number.
    private const int Phones = 7;

    private static readonly string[] Groups = [Collector.GroupJid, "120363000000000002@g.us"];
    private static readonly string?[] Roles = [null, null, "admin", "superadmin"];

    private readonly Random _random;
    private readonly Collector _collector = new();
    private readonly List<CollectedEvent> _events = [];

    private RandomHistory(int seed) => _random = new Random(seed);

    /// <summary>The events of a seed, in the order of their positions.</summary>
    public static List<CollectedEvent> Of(int seed, int length)
    {
        var history = new RandomHistory(seed);
        for (var i = 0; i < length; i++)
        {
            history._collector.Clock += TimeSpan.FromSeconds(history._random.Next(0, 400));
            history._collector.Name = history.One("default", "default", "second");
            if (history._random.Next(5) == 0)
                history.AddTwins();
            else
                history._events.Add(history.Next());
        }
        return history._events;
    }

    private CollectedEvent Next() => _random.Next(21) switch
    {
        < 4 => Snapshot(),
        < 7 => _collector.UpdateOf(Group(), One("add", "remove"), Some()),
        < 8 => _collector.UpdateOf(Group(), One("promote", "demote", "modify"), Some()),
        < 12 => _collector.StubOf(Group(), One("GROUP_PARTICIPANT_ADD", "GROUP_PARTICIPANT_REMOVE", "GROUP_PARTICIPANT_LEAVE"), SomeTime(), Some()),
        < 13 => _collector.StubOf(Group(), One("GROUP_PARTICIPANT_PROMOTE", "GROUP_PARTICIPANT_DEMOTE"), SomeTime(), Some()),
        < 16 => Message(),
        < 17 => Label(),
        < 18 => Decision(),
        < 19 => Subject(),
        < 20 => ChangedNumber(),
        _ => Duplicate(),
    };

    // As the library tells a change: with the server's time and without, received within seconds or, from two collectors, minutes, in either order;
    // about now, or after hours in an outbox.
    private void AddTwins()
    {
        var (group, at) = (Group(), SomeTime());
        var (stub, action) = _random.Next(4) switch
        {
            0 => ("GROUP_PARTICIPANT_ADD", "add"),
            1 => ("GROUP_PARTICIPANT_REMOVE", "remove"),
            2 => ("GROUP_PARTICIPANT_PROMOTE", "promote"),
            _ => ("GROUP_CHANGE_ANNOUNCE", "announce"),
        };
        var number = _random.Next(1, People + 1);
        var tellings = new List<Func<CollectedEvent>>
        {
            () => action == "announce" ? Announce(group, at, true) : _collector.StubOf(group, stub, at, Somebody(number)),
            () => action == "announce" ? Announce(group, null, true) : _collector.UpdateOf(group, action, Somebody(number)),
            () => action == "announce" ? Announce(group, null, false) : _collector.UpdateOf(group, action, Somebody(number)),
        };
        foreach (var telling in tellings.OrderBy(_ => _random.Next()).Take(_random.Next(2, 4)))
        {
            _collector.Clock += TimeSpan.FromSeconds(One(1, 5, 400));
            _collector.Name = One("default", "second");
            _events.Add(telling());
        }
    }

    private CollectedEvent Announce(string group, DateTimeOffset? at, bool on) => at is { } time
        ? _collector.FieldStubOf(group, "GROUP_CHANGE_ANNOUNCE", time, on ? "on" : "off")
        : _collector.Event("groups.update", new JsonObject { ["id"] = group, ["announce"] = on }, null, group);

    private CollectedEvent Snapshot() => _collector.SnapshotOf(
        Group(), _random.Next(4) == 0 ? SomeTime() : null, [.. Enumerable.Range(1, People).Where(_ => _random.Next(3) > 0).Select(Somebody)]);

    private CollectedEvent Message()
    {
        var number = _random.Next(1, People + 1);
        var (sender, alt) = _random.Next(3) switch
        {
            0 => (Phone(PhoneOf(number)), null),
            1 => (Lid(number), null),
            _ => (Lid(number), (string?)Phone(PhoneOf(number))),
        };
        return _random.Next(3) == 0
            ? _random.Next(3) == 0 ? _collector.Nameless(SomeTime(), sender) : _collector.MessageOf(SomeTime(), sender, One("ana", "bia.b", "caio_9"), alt)
            : _collector.Message(SomeTime(), sender, alt, One("Ana", "Bia", "Caio"));
    }

    private CollectedEvent Label()
    {
        var number = _random.Next(1, People + 1);
        var group = Group();
        return _collector.Event("group.member-tag.update", new JsonObject
        {
            ["groupId"] = group,
            ["participant"] = _random.Next(2) == 0 ? Lid(number) : Phone(PhoneOf(number)),
            ["label"] = One("VIP", "Staff", ""),
        }, _random.Next(2) == 0 ? SomeTime() : null, group);
    }

    private CollectedEvent Decision()
    {
        var number = _random.Next(1, People + 1);
        return _collector.Event(One("identity.linked", "identity.unlinked"), new JsonObject
        {
            ["lid"] = Lid(number),
            ["phone_jid"] = Phone(PhoneOf(number)),
            ["since"] = _random.Next(2) == 0 ? SomeTime().ToString("O") : null,
        }, SomeTime());
    }

    private CollectedEvent ChangedNumber()
    {
        var (old, taken) = (_random.Next(1, Phones + 1), _random.Next(1, Phones + 1));
        return _random.Next(2) == 0 ? _collector.ChangedNumber(SomeTime(), Phone(old), Phone(taken), Group()) : _collector.Modified(Phone(old), Phone(taken), Group());
    }

    private CollectedEvent Subject()
    {
        var group = Group();
        return _collector.Event("groups.update", new JsonObject
        {
            ["id"] = group,
            ["subject"] = One("One", "Two"),
            ["subjectTime"] = _random.Next(2) == 0 ? SomeTime().ToUnixTimeSeconds() : null,
            ["announce"] = _random.Next(2) == 0,
        }, null, group);
    }

    // The same body under another position: a second collector, or a revision.
    private CollectedEvent Duplicate()
    {
        if (_events.Count == 0)
            return Snapshot();
        var earlier = _events[_random.Next(_events.Count)];
        var untimed = earlier.OccurredAtSource == "received_at";
        return _collector.Event(earlier.Type, JsonNode.Parse(earlier.PayloadJson)!, untimed ? null : earlier.OccurredAt.ToDateTimeOffset(), earlier.ChatJid);
    }

    private JsonNode[] Some() => [.. Enumerable.Range(0, _random.Next(1, 3)).Select(_ => Somebody(_random.Next(1, People + 1)))];

    private JsonNode Somebody(int number) => _random.Next(4) switch
    {
        0 => Person(Lid(number), null, Role()),
        1 => Person(Phone(PhoneOf(number)), null, Role()),
        2 => Person(Phone(PhoneOf(number)), Lid(number), Role()),
        _ => Person(Lid(number), Phone(PhoneOf(number)), Role()),
    };

    // Mostly one's own phone; sometimes a neighbour's, which makes it a recycled one, or one that nobody has.
    private int PhoneOf(int number) => _random.Next(6) == 0 ? (number % Phones) + 1 : number;

    // Mostly about now, sometimes from a clock that is wrong or an hour that was spent offline.
    private DateTimeOffset SomeTime()
    {
        var offset = _random.Next(5) switch { 0 => _random.Next(-86_400, 0), 1 => _random.Next(0, 300), _ => _random.Next(-1_200, 0) };
        return _collector.Clock + TimeSpan.FromSeconds(offset);
    }

    private string Group() => Groups[_random.Next(Groups.Length)];

    private string? Role() => Roles[_random.Next(Roles.Length)];

    private int One(params ReadOnlySpan<int> numbers) => numbers[_random.Next(numbers.Length)];

    private string One(params ReadOnlySpan<string> texts) => texts[_random.Next(texts.Length)];
}
