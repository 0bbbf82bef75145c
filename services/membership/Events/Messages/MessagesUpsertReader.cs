using System.Text.Json;

namespace WhatsAppMesh.Membership.Events.Messages;

/// <summary>
/// messages.upsert: who wrote, under which name and JIDs; and in a message without content the notice of a group change. The collector
/// posts one message per event; other engines post <c>{messages: [...]}</c> or a list, whose messages may be of different ages.
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

    /// <summary>Adds what one message says, at its own time.</summary>
    internal static void ReadMessage(ObservedEvent source, JsonElement message, Observations into)
    {
        if (!Wire.TryObject(message, "key", out var key))
        {
            into.Skipped++;
            into.Silent(source, SilentReason.NoContent);
            return;
        }

        var told = source.ToldAt(Wire.Time(message, "messageTimestamp"));
        if (told.TryGroup(key, "remoteJid") is not { } group)
        {
            MessageKey.AddSender(told, key, message, Wire.Text(message, "pushName"), into);
            return;
        }
        into.AddGroup(told, group);
        var stub = MessageStub.Of(message);
        var sender = MessageKey.SenderOf(told, key, message);
        // Who is known by the old number did nothing under it.
        if (stub is not { Kind: StubKind.Number } || sender?.Lid is not null)
            MessageKey.AddSender(told, key, message, Wire.Text(message, "pushName"), into);
        if (stub is not null)
            MessageStub.Read(told, group, stub, sender, message, into);
        if (Wire.TryObject(message, "message", out var content))
            ProtocolMessage.Read(told, group, sender, content, into);
        MessageAnswers.Read(told, message, into);
    }
}
