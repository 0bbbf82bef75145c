using System.Text.Json;
using WhatsAppMesh.Events;

namespace WhatsAppMesh.Membership.Events;

/// <summary>
/// messages.upsert: who wrote, under which name and JIDs; and in a message without content the notice of a group change. The collector
/// posts one message per event; other engines post <c>{messages: [...]}</c> or a list.
/// </summary>
public sealed class MessagesUpsertReader : IEventReader
{
    /// <inheritdoc/>
    public IReadOnlyList<string> Types => ["messages.upsert"];

    /// <inheritdoc/>
    public void Read(ObservedEvent source, Observations into)
    {
        foreach (var item in source.Items(into))
        {
            if (Wire.TryField(item, "messages", out var messages) && messages.ValueKind == JsonValueKind.Array)
            {
                foreach (var message in messages.EnumerateArray())
                    ReadMessage(source, message, into);
            }
            else
            {
                ReadMessage(source, item, into);
            }
        }
    }

    private static void ReadMessage(ObservedEvent source, JsonElement message, Observations into)
    {
        if (!Wire.TryObject(message, "key", out var key))
        {
            into.Skipped++;
            return;
        }

        MessageKey.AddSender(source, key, message, Wire.Text(message, "pushName"), into);
        if (source.TryGroup(key, "remoteJid") is { } group)
        {
            into.AddGroup(source, group);
            MessageStub.Read(source, group, message, into);
        }
    }
}

/// <summary>messages.update: an edit or a revocation. The key names whoever did it.</summary>
public sealed class MessagesUpdateReader : IEventReader
{
    /// <inheritdoc/>
    public IReadOnlyList<string> Types => ["messages.update"];

    /// <inheritdoc/>
    public void Read(ObservedEvent source, Observations into)
    {
        foreach (var item in source.Items(into))
        {
            if (!Wire.TryObject(item, "key", out var key))
            {
                into.Skipped++;
                continue;
            }
            if (source.TryGroup(key, "remoteJid") is { } group)
                into.AddGroup(source, group);
            MessageKey.AddSender(source, key, item, null, into);
        }
    }
}

/// <summary>messages.reaction: the inner key names who reacted; the outer one is of the message reacted to.</summary>
public sealed class MessagesReactionReader : IEventReader
{
    /// <inheritdoc/>
    public IReadOnlyList<string> Types => ["messages.reaction"];

    /// <inheritdoc/>
    public void Read(ObservedEvent source, Observations into)
    {
        foreach (var item in source.Items(into))
        {
            if (!Wire.TryObject(item, "reaction", out var reaction) || !Wire.TryObject(reaction, "key", out var key))
            {
                into.Skipped++;
                continue;
            }
            if (source.TryGroup(key, "remoteJid") is { } group)
                into.AddGroup(source, group);
            MessageKey.AddSender(source, key, reaction, null, into);
        }
    }
}

/// <summary>The key of a message, as far as it names a sender.</summary>
public static class MessageKey
{
    /// <summary>
    /// Adds the sender: the key's participant with its other JID, else the one beside the key, else the one that the first generation of
    /// the collector puts into the envelope, else (outside of groups) the chat itself.
    /// </summary>
    public static void AddSender(ObservedEvent source, JsonElement key, JsonElement beside, string? pushName, Observations into)
    {
        var envelope = Jid.Parse(source.Source.ParticipantJid);
        var sender = First(Wire.Jid(key, "participant"), Wire.Jid(beside, "participant"), envelope);
        // The envelope's second JID belongs to its first, which need not be this sender: a reaction names two people.
        var other = First(Wire.Jid(key, "participantAlt"), sender == envelope ? Jid.Parse(source.Source.ParticipantAlt) : Jid.Empty);
        if (sender.IsEmpty && other.IsEmpty && Wire.Flag(key, "fromMe") != true)
            (sender, other) = (Wire.Jid(key, "remoteJid"), Wire.Jid(key, "remoteJidAlt"));
        if (Participants.TryPair(sender, other, out var person))
            into.AddPerson(source, person, pushName);
    }

    private static Jid First(params ReadOnlySpan<Jid> jids)
    {
        foreach (var jid in jids)
        {
            if (!jid.IsEmpty)
                return jid;
        }
        return Jid.Empty;
    }
}
