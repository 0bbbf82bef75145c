using System.Text.Json;
using WhatsAppMesh.Membership.Events.Messages;
using WhatsAppMesh.Membership.Events.People;

namespace WhatsAppMesh.Membership.Events.Whatsmeow;

/// <summary>whatsmeow's events.Message and events.Receipt as Go writes them: who wrote or read, and when.</summary>
public static class GoMessage
{
    /// <summary>True when an object is a message.</summary>
    public static bool Is(JsonElement data) => Wire.TryObject(data, "Info", out var info) && info.TryGetProperty("Sender", out _);

    /// <summary>Adds what a message says.</summary>
    public static void Read(ObservedEvent source, JsonElement data, Observations into)
    {
        if (!Wire.TryObject(data, "Info", out var info))
        {
            into.Silent(source, SilentReason.NoContent);
            return;
        }
        var told = source.ToldAt(Wire.Time(info, "Timestamp"));
        if (!PersonNames.GoSender.TryRead(info, out var sender))
        {
            into.Silent(source, SilentReason.NoPerson);
            return;
        }
        into.AddPerson(told, sender, Wire.Text(info, "PushName"));
        if (told.TryGroup(info, "Chat") is not { } group)
            return;
        into.AddGroup(told, group);
        if (Wire.TryObject(data, "Message", out var content))
            ProtocolMessage.Read(told, group, sender, content, into);
    }

    /// <summary>Adds who read a message. One that was only delivered is nobody's act; whose own other device it was says nothing of a group.</summary>
    public static void ReadReceipt(ObservedEvent source, JsonElement data, Observations into)
    {
        var told = source.ToldAt(Wire.Time(data, "Timestamp"));
        if (!PersonNames.GoSender.TryRead(data, out var reader))
        {
            into.Silent(source, SilentReason.NoPerson);
            return;
        }
        into.AddPair(told, reader);
        if (Wire.Text(data, "Type") is not ("read" or "played"))
            return;
        into.AddPerson(told, reader);
        if (told.TryGroup(data, "Chat") is { } group)
            into.AddGroup(told, group);
    }
}
