using System.Text.Json;
using WhatsAppMesh.Membership.Events.People;

namespace WhatsAppMesh.Membership.Events.Messages;

/// <summary>
/// messages.update: an edit or a revocation, whose key names whoever did it; or what others did to a message, whose key names its author,
/// who did nothing now.
/// </summary>
public sealed class MessagesUpdateReader : IEventReader
{
    /// <inheritdoc/>
    public IReadOnlyList<string> Types => ["messages.update"];

    /// <inheritdoc/>
    public void Read(ObservedEvent source, Observations into)
    {
        foreach (var item in source.Items(into))
        {
            if (Wire.TryObject(item, "key", out var key))
                ReadUpdate(source, key, item, into);
            // Evolution writes the parts of the key beside a delivery status, which is nobody's act.
            else if (Wire.Text(item, "keyId") is null)
            {
                into.Skipped++;
                into.Silent(source, SilentReason.NoContent);
            }
        }
    }

    private static void ReadUpdate(ObservedEvent source, JsonElement key, JsonElement item, Observations into)
    {
        Wire.TryObject(item, "update", out var update);
        var told = source.ToldAt(Wire.Time(update, "messageTimestamp"));
        if (update.ValueKind == JsonValueKind.Object && IsOfTheAuthor(update))
        {
            if (told.TryGroup(key, "remoteJid") is { } group)
                into.AddGroup(told, group);
            // Who revokes stands in the key of the revocation, where there is one.
            MessageKey.AddSender(told, Wire.TryObject(update, "key", out var revoker) ? revoker : key, item, null, into);
        }
        MessageKey.Learn(told, key, item, into);
        MessageAnswers.Read(told, update, into);
    }

    private static bool IsOfTheAuthor(JsonElement update) =>
        update.TryGetProperty("message", out _) || update.TryGetProperty("messageStubType", out _);
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
                into.Silent(source, SilentReason.NoContent);
                continue;
            }
            var told = source.ToldAt(Wire.Time(reaction, "senderTimestampMs"));
            if (told.TryGroup(key, "remoteJid") is { } group)
                into.AddGroup(told, group);
            MessageKey.AddSender(told, key, reaction, null, into);
            if (Wire.TryObject(item, "key", out var target))
                PersonNames.Sender.Learn(told, target, into);
        }
    }
}

/// <summary>message-receipt.update: whom a message reached. Reading it is an act of theirs; that it was delivered is none.</summary>
public sealed class ReceiptsReader : IEventReader
{
    /// <inheritdoc/>
    public IReadOnlyList<string> Types => ["message-receipt.update"];

    /// <inheritdoc/>
    public void Read(ObservedEvent source, Observations into)
    {
        foreach (var item in source.Items(into))
        {
            if (!Wire.TryObject(item, "receipt", out var receipt) || !PersonNames.Row.TryRead(receipt, out var reader))
            {
                into.Silent(source, SilentReason.NoPerson);
                continue;
            }
            Wire.TryObject(item, "key", out var key);
            var read = Wire.FirstTime(receipt, "playedTimestamp", "readTimestamp");
            var told = source.ToldAt(read ?? Wire.Time(receipt, "receiptTimestamp"));
            // In a group the key's participant is whom the message reached.
            PersonNames.Sender.Learn(told, key, into);
            PersonNames.Row.Learn(told, receipt, into);
            if (read is null)
                continue;
            into.AddPerson(told, reader);
            if (told.TryGroup(key, "remoteJid") is { } group)
                into.AddGroup(told, group);
        }
    }
}
