using System.Text.Json;
using WhatsAppMesh.Membership.Events.People;
using WhatsAppMesh.Membership.Events.Whatsmeow;

namespace WhatsAppMesh.Membership.Events.Evolution;

/// <summary>Webhooks of Evolution Go: whatsmeow's structs as Go writes them, in the envelope's <c>data</c>.</summary>
public sealed class EvolutionGoReader : IEventReader
{
    /// <inheritdoc/>
    public IReadOnlyList<string> Types =>
    [
        "evolution.message", "evolution.sendmessage", "evolution.receipt", "evolution.groupinfo", "evolution.joinedgroup", "evolution.calloffer",
        "evolution.pushname",
    ];

    /// <inheritdoc/>
    public void Read(ObservedEvent source, Observations into)
    {
        foreach (var item in source.Items(into))
        {
            if (Wire.TryObject(item, "data", out var data))
                ReadData(source, data, into);
            else
                into.Silent(source, SilentReason.NoContent);
        }
    }

    private static void ReadData(ObservedEvent source, JsonElement data, Observations into)
    {
        switch (source.Source.Type)
        {
            case "evolution.message" or "evolution.sendmessage":
                GoMessage.Read(source, data, into);
                break;
            case "evolution.receipt":
                GoMessage.ReadReceipt(source, data, into);
                break;
            case "evolution.groupinfo":
                GroupInfo.Read(source, data, into);
                break;
            case "evolution.joinedgroup":
                JoinedGroup.Read(source, data, into);
                break;
            case "evolution.calloffer":
                ReadCall(source, data, into);
                break;
            default:
                PersonNames.Row.Learn(source, data, into);
                break;
        }
    }

    private static void ReadCall(ObservedEvent source, JsonElement data, Observations into)
    {
        var told = source.ToldAt(Wire.Time(data, "Timestamp"));
        if (!PersonNames.Caller.TryRead(data, out var caller))
        {
            into.Silent(source, SilentReason.NoPerson);
            return;
        }
        into.AddPerson(told, caller);
        if (told.TryGroup(data, "GroupJID") is { } group)
            into.AddGroup(told, group);
    }
}
