using System.Text.Json;

namespace WhatsAppMesh.Collector;

/// <summary>A person as WhatsApp names them in a group.</summary>
/// <param name="Lid">The LID, for example <c>999000000000003@lid</c>.</param>
/// <param name="Phone">The phone JID; null when hidden.</param>
/// <param name="Admin"><c>superadmin</c>, <c>admin</c> or null.</param>
public sealed record GroupMember(string Lid, string? Phone = null, string? Admin = null);

/// <summary>Events that are, or travel as, messages of a group.</summary>
public static class MessageEvents
{
    private const string Type = "messages.upsert";

    /// <summary>A text message.</summary>
    public static CollectorEvent Text(string group, GroupMember sender, string messageId, DateTimeOffset at, string pushName, string text) =>
        Message(group, sender, messageId, at, json =>
        {
            json.WriteString("pushName", pushName);
            json.WriteBoolean("broadcast", false);
            json.WriteStartObject("message");
            json.WriteString("conversation", text);
            json.WriteEndObject();
        });

    /// <summary>What the collector reports while a message cannot be decrypted yet; the text follows under the same id.</summary>
    public static CollectorEvent Placeholder(string group, GroupMember sender, string messageId, DateTimeOffset at) =>
        Message(group, sender, messageId, at, json =>
        {
            json.WriteNumber("messageStubType", 2);
            json.WriteStartArray("messageStubParameters");
            json.WriteStringValue("No session record");
            json.WriteEndArray();
        });

    /// <summary>The notification of a membership change: the only form that carries an id and a time.</summary>
    /// <param name="group">JID of the group.</param>
    /// <param name="author">Who made the change.</param>
    /// <param name="stub">Name of the notification, for example <c>GROUP_PARTICIPANT_ADD</c>.</param>
    /// <param name="members">Whom it concerns.</param>
    /// <param name="messageId">Id that the server gave the notification.</param>
    /// <param name="at">When it happened.</param>
    public static CollectorEvent MembershipStub(
        string group, GroupMember author, string stub, IReadOnlyList<GroupMember> members, string messageId, DateTimeOffset at) =>
        Message(group, author, messageId, at, json =>
        {
            json.WriteString("participant", author.Lid);
            json.WriteString("messageStubType", stub);
            json.WriteStartArray("messageStubParameters");
            foreach (var member in members)
                json.WriteStringValue(PayloadJson.Write(inner => GroupEvents.WriteMember(inner, member)));
            json.WriteEndArray();
        });

    /// <summary>A reaction to a message; an empty text takes it back.</summary>
    public static CollectorEvent Reaction(string group, GroupMember reactor, string targetId, string emoji, DateTimeOffset at)
    {
        var payload = PayloadJson.Write(json =>
        {
            WriteKey(json, group, null, targetId);
            json.WriteStartObject("reaction");
            WriteKey(json, group, reactor, $"{targetId}R");
            json.WriteString("text", emoji);
            json.WriteString("senderTimestampMs", at.ToUnixTimeMilliseconds().ToString(System.Globalization.CultureInfo.InvariantCulture));
            json.WriteEndObject();
        });
        var id = EventIds.FromParts("messages.reaction", targetId, reactor.Lid, emoji);
        return new CollectorEvent(id, "messages.reaction", group, payload) { OccurredAt = at };
    }

    private static CollectorEvent Message(
        string group, GroupMember sender, string messageId, DateTimeOffset at, Action<Utf8JsonWriter> writeBody)
    {
        var payload = PayloadJson.Write(json =>
        {
            WriteKey(json, group, sender, messageId);
            json.WriteNumber("messageTimestamp", at.ToUnixTimeSeconds());
            writeBody(json);
        });
        return new CollectorEvent(EventIds.FromParts(Type, group, messageId), Type, group, payload)
        {
            ParticipantJid = sender.Lid,
            ParticipantAlt = sender.Phone,
            OccurredAt = DateTimeOffset.FromUnixTimeSeconds(at.ToUnixTimeSeconds()),
        };
    }

    private static void WriteKey(Utf8JsonWriter json, string group, GroupMember? sender, string messageId)
    {
        json.WriteStartObject("key");
        json.WriteString("remoteJid", group);
        json.WriteBoolean("fromMe", false);
        json.WriteString("id", messageId);
        if (sender is not null)
        {
            json.WriteString("participant", sender.Lid);
            if (sender.Phone is not null)
                json.WriteString("participantAlt", sender.Phone);
            json.WriteString("addressingMode", "lid");
        }
        json.WriteEndObject();
    }
}
