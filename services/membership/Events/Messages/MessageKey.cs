using System.Text.Json;
using WhatsAppMesh.Events;
using WhatsAppMesh.Membership.Events.People;
using WhatsAppMesh.Membership.Facts;

namespace WhatsAppMesh.Membership.Events.Messages;

/// <summary>The key of a message, as far as it names a sender.</summary>
public static class MessageKey
{
    /// <summary>
    /// The sender: the key's participant with its other JID, else the one beside the key, else the one that the first generation of the
    /// collector puts into the envelope; of a message that came in a direct chat the chat itself. Null when none of them names a person.
    /// </summary>
    public static Entry? SenderOf(ObservedEvent source, JsonElement key, JsonElement beside)
    {
        if (IsDirect(key))
            return Wire.Flag(key, "fromMe") != true && PersonNames.Chat.TryRead(key, out var other) ? other : null;
        var isNamed = PersonNames.Sender.TryRead(key, out var sender);
        if (PersonNames.Sender.TryRead(beside, out var outer))
            sender = isNamed ? Joined(sender, outer) : outer;
        var envelope = Jid.Parse(source.Source.ParticipantJid);
        // The envelope's second JID belongs to its first, which need not be this sender: a reaction names two people.
        if (sender == default || sender.Lid == envelope.Value || sender.Phone == envelope.Value)
            sender = Participants.TryPair(envelope, Jid.Parse(source.Source.ParticipantAlt), out var whole) ? Joined(whole, sender) : sender;
        return sender == default ? null : sender;
    }

    /// <summary>Adds that the sender did something, and who they are.</summary>
    public static Entry? AddSender(ObservedEvent source, JsonElement key, JsonElement beside, string? pushName, Observations into)
    {
        if (SenderOf(source, key, beside) is not { } sender)
            return null;
        into.AddPerson(source, sender, NameOf(key, sender, pushName));
        LearnUsername(source, key, beside, sender, into);
        return sender;
    }

    /// <summary>Adds who the sender is. They need not have done anything.</summary>
    public static void Learn(ObservedEvent source, JsonElement key, JsonElement beside, Observations into)
    {
        if (SenderOf(source, key, beside) is not { } sender)
            return;
        into.AddPair(source, sender);
        LearnUsername(source, key, beside, sender, into);
    }

    private static bool IsDirect(JsonElement key) => Wire.Jid(key, "remoteJid").IsPerson;

    // Where Evolution knows no name, it writes the sender's own number, and "you" in Portuguese for the collector's.
    private static string? NameOf(JsonElement key, Entry sender, string? pushName) =>
        pushName is null || IsUser(sender.Lid, pushName) || IsUser(sender.Phone, pushName) || (pushName == "Você" && Wire.Flag(key, "fromMe") == true)
            ? null
            : pushName;

    private static bool IsUser(string? jid, string name) =>
        jid is not null && (jid.StartsWith(name + "@", StringComparison.Ordinal) || Jid.Parse(name).Value == jid);

    private static void LearnUsername(ObservedEvent source, JsonElement key, JsonElement beside, Entry sender, Observations into)
    {
        if (IsDirect(key))
        {
            PersonNames.Chat.LearnUsername(source, key, sender, into);
            return;
        }
        PersonNames.Sender.LearnUsername(source, key, sender, into);
        if (PersonNames.Sender.TryRead(beside, out var outer) && Joined(sender, outer) != default)
            PersonNames.Sender.LearnUsername(source, beside, sender, into);
    }

    /// <summary>Both JIDs of a person whom both name; else the first.</summary>
    private static Entry Joined(Entry one, Entry other)
    {
        var isSame = (one.Lid is not null && one.Lid == other.Lid) || (one.Phone is not null && one.Phone == other.Phone);
        return one == default ? other : isSame ? new Entry(one.Lid ?? other.Lid, one.Phone ?? other.Phone) : one;
    }
}
