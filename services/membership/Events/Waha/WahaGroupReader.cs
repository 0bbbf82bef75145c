using System.Text.Json;
using WhatsAppMesh.Membership.Events.Groups;
using WhatsAppMesh.Membership.Events.People;
using WhatsAppMesh.Membership.Events.Whatsmeow;
using WhatsAppMesh.Membership.Facts;

namespace WhatsAppMesh.Membership.Events.Waha;

/// <summary>
/// WAHA's group.v2 events. WAHA's own fields are the same for all engines; <c>_data</c> is what the engine said: Baileys' object (NOWEB),
/// whatsmeow's (GOWS), or a notification (WEBJS, WPP). The engine's word is preferred where it says more: pairs, the server's time, and
/// whether only admins may post, which WAHA's membersCanSendMessages states the wrong way round for some engines and so is not read.
/// </summary>
public sealed class WahaGroupReader : IEventReader
{
    private const string Joined = "waha.group.v2.join";
    private const string Left = "waha.group.v2.leave";
    private const string Changed = "waha.group.v2.participants";
    private const string Updated = "waha.group.v2.update";
    private const string Requested = "waha.group.v2.participants.join-request";

    /// <inheritdoc/>
    public IReadOnlyList<string> Types => [Joined, Left, Changed, Updated, Requested];

    /// <inheritdoc/>
    public void Read(ObservedEvent source, Observations into)
    {
        foreach (var envelope in source.Items(into))
        {
            if (!Wire.TryObject(envelope, "payload", out var payload))
            {
                into.Silent(source, SilentReason.NoContent);
                continue;
            }
            Wire.TryObject(payload, "_data", out var data);
            // WAHA's own time is when it passed the event on, except with WEBJS; whatsmeow's is the server's.
            var told = source.ToldAt(Wire.Time(data, "Timestamp") ?? Wire.Time(payload, "timestamp"));
            Wire.TryObject(payload, "group", out var group);
            if (told.TryGroup(group) is { } key)
                ReadPayload(told, key, (envelope, payload, group, data), into);
            else
                into.Silent(source, SilentReason.NoGroup);
        }
    }

    private static void ReadPayload(
        ObservedEvent told, GroupKey group, (JsonElement Envelope, JsonElement Payload, JsonElement Group, JsonElement Engine) parts, Observations into)
    {
        var (envelope, payload, own, data) = parts;
        into.AddGroup(told, group);
        PersonNames.Author.Learn(told, data, into);
        PersonNames.GoSender.Learn(told, data, into);
        switch (told.Source.Type)
        {
            case Changed:
                ReadChange(told, group, payload, data, into);
                break;
            case Left:
                ReadLeave(told, group, envelope, into);
                break;
            case Joined or Updated:
                ReadGroup(told, group, own, data, into);
                break;
            default:
                ReadRequest(told, payload, into);
                break;
        }
    }

    private static void ReadChange(ObservedEvent told, GroupKey group, JsonElement payload, JsonElement data, Observations into)
    {
        // Baileys' rows have both JIDs, WAHA's one.
        var people = GroupParticipantsReader.Better(told, Participants.ReadField(told, payload, into), data, "participants", into);
        var action = Wire.Text(payload, "type") ?? Wire.Text(payload, "action") ?? Wire.Text(data, "action");
        GroupParticipantsReader.Add(told, group, action, data, people, into);
    }

    // The collector's own number left: who that is stands in the envelope.
    private static void ReadLeave(ObservedEvent told, GroupKey group, JsonElement envelope, Observations into)
    {
        if (Wire.TryObject(envelope, "me", out var me) && PersonNames.Row.TryRead(me, out var self))
            into.AddFact(told, group, FactKind.Remove, [self]);
        else
            into.Silent(told, SilentReason.NoPerson);
    }

    private static void ReadGroup(ObservedEvent told, GroupKey group, JsonElement own, JsonElement data, Observations into)
    {
        var isUpdate = told.Source.Type == Updated;
        if (JoinedGroup.Is(data))
            JoinedGroup.Read(told, data, into);
        else if (GroupInfo.Is(data))
            GroupInfo.ReadFields(told, group, data, into);
        else if (Wire.Jid(data, "id").IsGroup)
            GroupSnapshotReader.ReadItem(told, group, data, isUpdate, into);
        else if (own.ValueKind == JsonValueKind.Object)
            ReadOwnFields(told, group, own, data, into);
    }

    // WEBJS and WPP tell the whole group with every change, but not all of its optional fields.
    private static void ReadOwnFields(ObservedEvent told, GroupKey group, JsonElement own, JsonElement data, Observations into)
    {
        GroupFields.AddState(told, group, GroupFields.Read(own, GroupTelling.Part), into);
        if (Participants.ReadField(told, own, into, ofRoster: true) is { } people)
            Roster.Add(told, group, people, Wire.Number(own, "size"), isOfCommunity: false, into);
        GroupField? flag = Wire.Text(data, "type") switch { "announce" => GroupField.Announce, "restrict" => GroupField.Restrict, _ => null };
        if (flag is { } field && Wire.Text(data, "body") is "on" or "off")
            into.AddFieldChange(told, group, field, GroupFields.Flag(Wire.Text(data, "body") == "on"));
    }

    private static void ReadRequest(ObservedEvent told, JsonElement payload, Observations into)
    {
        if (PersonNames.Requester.TryRead(payload, out var requester))
            into.AddPerson(told, requester);
        else
            into.Silent(told, SilentReason.NoPerson);
    }
}
