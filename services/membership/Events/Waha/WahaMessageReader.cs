using System.Text.Json;
using WhatsAppMesh.Membership.Events.Messages;
using WhatsAppMesh.Membership.Events.People;
using WhatsAppMesh.Membership.Events.Whatsmeow;

namespace WhatsAppMesh.Membership.Events.Waha;

/// <summary>
/// WAHA's messages, reactions and calls: who wrote, under which name and JIDs. <c>_data</c> is the engine's own message, Baileys' (NOWEB) or
/// whatsmeow's (GOWS), and says more where it is there.
/// </summary>
public sealed class WahaMessageReader : IEventReader
{
    /// <inheritdoc/>
    public IReadOnlyList<string> Types => ["waha.message", "waha.message.any", "waha.message.reaction", "waha.call.received"];

    /// <inheritdoc/>
    public void Read(ObservedEvent source, Observations into)
    {
        foreach (var envelope in source.Items(into))
        {
            if (Wire.TryObject(envelope, "payload", out var payload))
                ReadPayload(source.ToldAt(Wire.Time(payload, "timestamp")), payload, into);
            else
                into.Silent(source, SilentReason.NoContent);
        }
    }

    private static void ReadPayload(ObservedEvent told, JsonElement payload, Observations into)
    {
        Wire.TryObject(payload, "_data", out var data);
        if (Wire.TryObject(data, "key", out _))
        {
            MessagesUpsertReader.ReadMessage(told, data, into);
            return;
        }
        if (GoMessage.Is(data))
        {
            GoMessage.Read(told, data, into);
            return;
        }
        var group = told.TryGroup(payload, Wire.Flag(payload, "fromMe") == true ? "to" : "from") ?? told.TryGroup(payload, "from");
        if (group is { } key)
            into.AddGroup(told, key);
        // In a direct chat "from" is the writer; in a group it is the group, and the writer stands beside it.
        if (PersonNames.Sender.TryRead(payload, out var sender) || PersonNames.Author.TryRead(payload, out sender)
            || (Wire.Flag(payload, "fromMe") != true && PersonNames.Caller.TryRead(payload, out sender)))
            into.AddPerson(told, sender, Wire.Text(data, "notifyName") ?? Wire.Text(data, "pushName"));
        else if (Wire.Flag(payload, "fromMe") != true)
            into.Silent(told, SilentReason.NoPerson);
    }
}
