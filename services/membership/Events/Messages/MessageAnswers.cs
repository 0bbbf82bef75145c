using System.Text.Json;

namespace WhatsAppMesh.Membership.Events.Messages;

/// <summary>
/// What others did to a message: answers to an event, votes in a poll, reactions. Each is its author's act at its own time, never that of
/// whoever wrote the message. Baileys puts them into messages.update, and a stored message may carry them.
/// </summary>
public static class MessageAnswers
{
    private static readonly (string List, string Key)[] Kinds =
        [("eventResponses", "eventResponseMessageKey"), ("pollUpdates", "pollUpdateMessageKey"), ("reactions", "key")];

    /// <summary>Adds the answers in a message or an update of it.</summary>
    public static void Read(ObservedEvent source, JsonElement holder, Observations into)
    {
        foreach (var (list, keyName) in Kinds)
        {
            foreach (var answer in Wire.Rows(holder, list))
            {
                if (!Wire.TryObject(answer, keyName, out var key))
                    continue;
                var told = source.ToldAt(Wire.FirstTime(answer, "senderTimestampMs", "timestampMs", "serverTimestampMs"));
                MessageKey.AddSender(told, key, answer, null, into);
                if (told.TryGroup(key, "remoteJid") is { } group)
                    into.AddGroup(told, group);
            }
        }
    }
}
