using System.Text.Json;
using WhatsAppMesh.Events;
using WhatsAppMesh.Membership.Events.Groups;
using WhatsAppMesh.Membership.Events.People;
using WhatsAppMesh.Membership.Facts;

namespace WhatsAppMesh.Membership.Events.Messages;

/// <summary>
/// The notice of a group change that WhatsApp sends as a message without content. It alone carries the server's id and time of a
/// membership change. The type is a number in a live stanza and a name after protobuf's toJSON.
/// </summary>
public static class MessageStub
{
    private static readonly StubType Unknown = new(-1, "", StubKind.Nothing);

    /// <summary>The type of a message's stub; null when it has none, and a type without number or name when nobody knows it.</summary>
    public static StubType? Of(JsonElement message)
    {
        if (!Wire.TryField(message, "messageStubType", out var type))
            return null;
        var number = WireNumber.Read(type);
        // 0 is UNKNOWN: the zero of protobuf, in messages that are no stubs.
        if (number == 0 || Wire.Text(type) is "" or "UNKNOWN")
            return null;
        return (type.ValueKind == JsonValueKind.String ? StubTypes.Of(Wire.Text(type) ?? "") : null) ?? StubTypes.Of(number) ?? Unknown;
    }

    /// <summary>Adds what a stub says about its group.</summary>
    /// <param name="author">Who made the change; null when the message does not say.</param>
    public static void Read(ObservedEvent source, GroupKey group, StubType type, Entry? author, JsonElement message, Observations into)
    {
        var parameters = Wire.TryField(message, "messageStubParameters", out var list) && list.ValueKind == JsonValueKind.Array ? list : default;
        switch (type.Kind)
        {
            case StubKind.Nothing:
                if (ReferenceEquals(type, Unknown))
                    into.Silent(source, SilentReason.UnreadStub);
                break;
            case StubKind.Add or StubKind.Join:
                GroupParticipantsReader.Add(source, group, FactKind.Add, People(source, type, author, parameters, into), into);
                break;
            case StubKind.Remove or StubKind.Leave:
                GroupParticipantsReader.Add(source, group, FactKind.Remove, People(source, type, author, parameters, into), into);
                break;
            case StubKind.Promote:
                GroupParticipantsReader.Add(source, group, FactKind.Promote, People(source, type, author, parameters, into), into);
                break;
            case StubKind.Demote:
                GroupParticipantsReader.Add(source, group, FactKind.Demote, People(source, type, author, parameters, into), into);
                break;
            case StubKind.Number:
                NumberChangeNotice.Add(source, author, People(source, type, author, parameters, into), into);
                break;
            case StubKind.Request:
                foreach (var person in People(source, type, author, parameters, into).Entries)
                    into.AddPair(source, person);
                break;
            case StubKind.Delete:
                into.AddDeletion(source, group);
                break;
            default:
                ReadField(source, group, type, parameters, into);
                break;
        }
    }

    private static PeopleList People(ObservedEvent source, StubType type, Entry? author, JsonElement parameters, Observations into)
    {
        var skipped = into.Skipped;
        var people = parameters.ValueKind == JsonValueKind.Array ? Participants.Read(source, parameters, into) : new PeopleList([], 0, 0);
        if (type.HasOtherParameters)
            into.Skipped = skipped;
        return people.Entries.Count == 0 && type.Kind is StubKind.Leave or StubKind.Join && author is { } self ? new PeopleList([self], 0, 0) : people;
    }

    private static void ReadField(ObservedEvent source, GroupKey group, StubType type, JsonElement parameters, Observations into)
    {
        var first = Texts(parameters).FirstOrDefault();
        var (isRead, value) = type.Kind switch
        {
            StubKind.Text when string.IsNullOrEmpty(first) => (type.Field != GroupField.Subject, null),
            StubKind.Text => (true, first),
            StubKind.Flag => OnOff(first) is { } on ? (true, GroupFields.Flag(on)) : (false, null),
            StubKind.Timer => long.TryParse(first, out var seconds) && seconds >= 0 ? (true, GroupFields.Seconds(seconds)) : (false, null),
            StubKind.Link => FirstJid(parameters, static jid => jid.IsGroup) is { } parent ? (true, parent) : (false, null),
            StubKind.Owner => FirstJid(parameters, static jid => jid.IsPerson) is { } owner ? (true, owner) : (false, null),
            _ => (true, (string?)null),
        };
        if (isRead)
            into.AddFieldChange(source, group, type.Field!.Value, value);
        else
            into.Silent(source, SilentReason.UnreadValue);
    }

    private static IEnumerable<string?> Texts(JsonElement parameters) => parameters.ValueKind == JsonValueKind.Array
        ? parameters.EnumerateArray().Select(static value => value.ValueKind == JsonValueKind.Number ? value.GetRawText() : Wire.Text(value))
        : [];

    private static string? FirstJid(JsonElement parameters, Func<Jid, bool> isWanted) =>
        Texts(parameters).Select(Jid.Parse).Where(isWanted).Select(static jid => jid.Value).FirstOrDefault();

    // The two modes come as who may do it.
    private static bool? OnOff(string? text) => text switch
    {
        "on" or "true" or "all_member_add" or "all_member_link" => true,
        "off" or "false" or "admin_add" or "admin_link" => false,
        _ => null,
    };
}
