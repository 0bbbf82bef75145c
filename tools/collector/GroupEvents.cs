using System.Text.Json;

namespace WhatsAppMesh.Collector;

/// <summary>Events about a group as a whole. In the second-generation envelope they carry no time of their own.</summary>
public static class GroupEvents
{
    /// <summary>The full roster, as the collector reports it for every group each time it connects (<c>groups.metadata</c>).</summary>
    public static CollectorEvent Snapshot(string group, string subject, IReadOnlyList<GroupMember> members) =>
        CollectorEvent.Create("groups.metadata", group, PayloadJson.Write(json =>
        {
            json.WriteString("id", group);
            json.WriteString("addressingMode", "lid");
            json.WriteString("subject", subject);
            json.WriteNumber("size", members.Count);
            json.WriteNumber("creation", 1712243200);
            if (members.Count > 0)
                json.WriteString("owner", members[0].Lid);
            json.WriteBoolean("restrict", false);
            json.WriteBoolean("announce", false);
            json.WriteStartArray("participants");
            foreach (var member in members)
            {
                json.WriteStartObject();
                WriteMember(json, member);
                json.WriteEndObject();
            }
            json.WriteEndArray();
        }));

    /// <summary>A membership change without id and time (<c>group-participants.update</c>).</summary>
    /// <param name="group">JID of the group.</param>
    /// <param name="author">Who made the change.</param>
    /// <param name="action"><c>add</c>, <c>remove</c>, <c>promote</c>, <c>demote</c> or <c>modify</c>.</param>
    /// <param name="members">Whom it concerns.</param>
    public static CollectorEvent Participants(string group, GroupMember author, string action, IReadOnlyList<GroupMember> members) =>
        CollectorEvent.Create("group-participants.update", group, PayloadJson.Write(json =>
        {
            json.WriteString("id", group);
            json.WriteString("author", author.Lid);
            json.WriteStartArray("participants");
            foreach (var member in members)
            {
                json.WriteStartObject();
                WriteMember(json, member);
                json.WriteEndObject();
            }
            json.WriteEndArray();
            json.WriteString("action", action);
        }));

    /// <summary>A new subject (<c>groups.update</c> as a delta).</summary>
    public static CollectorEvent Subject(string group, GroupMember author, string subject) =>
        CollectorEvent.Create("groups.update", group, PayloadJson.Write(json =>
        {
            json.WriteString("id", group);
            json.WriteString("subject", subject);
            json.WriteString("author", author.Lid);
        }));

    internal static void WriteMember(Utf8JsonWriter json, GroupMember member)
    {
        json.WriteString("id", member.Lid);
        if (member.Phone is not null)
            json.WriteString("phoneNumber", member.Phone);
        if (member.Admin is null)
            json.WriteNull("admin");
        else
            json.WriteString("admin", member.Admin);
    }
}
