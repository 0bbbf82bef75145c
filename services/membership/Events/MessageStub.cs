using System.Text.Json;
using WhatsAppMesh.Events;
using WhatsAppMesh.Membership.Facts;

namespace WhatsAppMesh.Membership.Events;

/// <summary>
/// The notice of a group change that WhatsApp sends as a message without content. It alone carries the server's id and time of a
/// membership change. The type is a number in a live stanza and a name after protobuf's toJSON.
/// </summary>
public static class MessageStub
{
    private static readonly Dictionary<string, int> Numbers = new(StringComparer.Ordinal)
    {
        ["GROUP_CREATE"] = 20,
        ["GROUP_CHANGE_SUBJECT"] = 21,
        ["GROUP_CHANGE_DESCRIPTION"] = 24,
        ["GROUP_CHANGE_RESTRICT"] = 25,
        ["GROUP_CHANGE_ANNOUNCE"] = 26,
        ["GROUP_PARTICIPANT_ADD"] = 27,
        ["GROUP_PARTICIPANT_REMOVE"] = 28,
        ["GROUP_PARTICIPANT_PROMOTE"] = 29,
        ["GROUP_PARTICIPANT_DEMOTE"] = 30,
        ["GROUP_PARTICIPANT_INVITE"] = 31,
        ["GROUP_PARTICIPANT_LEAVE"] = 32,
        ["GROUP_PARTICIPANT_CHANGE_NUMBER"] = 33,
        ["GROUP_PARTICIPANT_ADD_REQUEST_JOIN"] = 71,
    };

    /// <summary>Adds what the stub of a message says about its group, if it has one that matters here.</summary>
    public static void Read(ObservedEvent source, GroupKey group, JsonElement message, Observations into)
    {
        if (!Wire.TryField(message, "messageStubType", out var type)
            || !Wire.TryField(message, "messageStubParameters", out var parameters)
            || parameters.ValueKind != JsonValueKind.Array)
            return;

        switch (Number(type))
        {
            case 20 or 21:
                AddField(source, group, GroupField.Subject, FirstText(parameters), into);
                break;
            case 24:
                AddField(source, group, GroupField.Description, FirstText(parameters), into);
                break;
            case 25:
                AddField(source, group, GroupField.Restrict, OnOff(parameters), into);
                break;
            case 26:
                AddField(source, group, GroupField.Announce, OnOff(parameters), into);
                break;
            case 27 or 31 or 71:
                into.AddFact(source, group, FactKind.Add, Participants.Read(parameters, into));
                break;
            case 28 or 32:
                into.AddFact(source, group, FactKind.Remove, Participants.Read(parameters, into));
                break;
            case 29:
                into.AddFact(source, group, FactKind.Promote, Participants.Read(parameters, into));
                break;
            case 30:
                into.AddFact(source, group, FactKind.Demote, Participants.Read(parameters, into));
                break;
            case 33:
                foreach (var entry in Participants.Read(parameters, into))
                    into.AddPair(source, entry);
                break;
        }
    }

    private static long? Number(JsonElement type) =>
        type.ValueKind == JsonValueKind.String && Numbers.TryGetValue(Wire.Text(type) ?? "", out var named) ? named : WireNumber.Read(type);

    private static string? FirstText(JsonElement parameters) => parameters.GetArrayLength() > 0 ? Wire.Text(parameters[0]) : null;

    private static string? OnOff(JsonElement parameters) => FirstText(parameters) switch
    {
        "on" => GroupFields.Flag(true),
        "off" => GroupFields.Flag(false),
        _ => null,
    };

    private static void AddField(ObservedEvent source, GroupKey group, GroupField field, string? value, Observations into)
    {
        if (value is not null)
            into.AddGroup(source, group, [GroupFields.Value(source, field, value)]);
    }
}
