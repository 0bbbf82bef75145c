using System.Text.Json;
using WhatsAppMesh.Membership.Events.Groups;
using WhatsAppMesh.Membership.Events.People;
using WhatsAppMesh.Membership.Facts;

namespace WhatsAppMesh.Membership.Events.Whatsmeow;

/// <summary>
/// whatsmeow's events.GroupInfo as Go writes it: what changed in a group, at the server's time. Each change is a pointer or a list, so null
/// is silence; inside a change every value counts, also <c>false</c>, 0 and the empty text.
/// </summary>
public static class GroupInfo
{
    private static readonly (string Name, FactKind Kind)[] Lists =
        [("Join", FactKind.Add), ("Leave", FactKind.Remove), ("Promote", FactKind.Promote), ("Demote", FactKind.Demote)];

    /// <summary>True when an object is one.</summary>
    public static bool Is(JsonElement data) => Wire.Jid(data, "JID").IsGroup && data.TryGetProperty("Join", out _);

    /// <summary>Adds all that changed.</summary>
    public static void Read(ObservedEvent source, JsonElement data, Observations into)
    {
        var told = source.ToldAt(Wire.Time(data, "Timestamp"));
        if (told.TryGroup(data, "JID") is not { } group)
        {
            into.Silent(source, SilentReason.NoGroup);
            return;
        }
        var before = into.Facts.Count + into.FieldChanges.Count;
        into.AddGroup(told, group);
        PersonNames.GoSender.Learn(told, data, into);
        foreach (var (name, kind) in Lists)
        {
            if (Wire.TryField(data, name, out var list) && list.ValueKind == JsonValueKind.Array && list.GetArrayLength() > 0)
                GroupParticipantsReader.Add(told, group, kind, Participants.Read(told, list, into), into);
        }
        ReadFields(told, group, data, into);
        if (Wire.TryField(data, "UnknownChanges", out var unknown) && unknown.ValueKind == JsonValueKind.Array && unknown.GetArrayLength() > 0
            && into.Facts.Count + into.FieldChanges.Count == before)
            into.Silent(source, SilentReason.UnknownAction);
    }

    /// <summary>Adds the changes of the group's own fields.</summary>
    public static void ReadFields(ObservedEvent told, GroupKey group, JsonElement data, Observations into)
    {
        foreach (var said in Changes(data))
            into.AddFieldChange(told, group, said.Field, said.Value);
        if (Wire.TryObject(data, "Delete", out var delete) && Wire.Flag(delete, "Deleted") == true)
            into.AddDeletion(told, group);
    }

    private static IEnumerable<SaidField> Changes(JsonElement data)
    {
        if (Wire.TryObject(data, "Name", out var name) && Wire.Text(name, "Name") is { Length: > 0 } subject)
            yield return new SaidField(GroupField.Subject, subject);
        if (Wire.TryObject(data, "Topic", out var topic))
        {
            var isGone = Wire.Flag(topic, "TopicDeleted") == true || Wire.Text(topic, "Topic") is null or "";
            yield return new SaidField(GroupField.Description, isGone ? null : Wire.Text(topic, "Topic"));
        }
        if (Wire.TryObject(data, "Locked", out var locked) && Wire.Flag(locked, "IsLocked") is { } isLocked)
            yield return new SaidField(GroupField.Restrict, GroupFields.Flag(isLocked));
        if (Wire.TryObject(data, "Announce", out var announce) && Wire.Flag(announce, "IsAnnounce") is { } isAnnounce)
            yield return new SaidField(GroupField.Announce, GroupFields.Flag(isAnnounce));
        if (Wire.TryObject(data, "Ephemeral", out var timer))
            yield return new SaidField(GroupField.EphemeralDuration, Timer(timer));
        if (Wire.TryObject(data, "MembershipApprovalMode", out var approval) && Wire.Flag(approval, "IsJoinApprovalRequired") is { } isRequired)
            yield return new SaidField(GroupField.JoinApprovalMode, GroupFields.Flag(isRequired));
        if (ParentOf(data, "Link") is { IsEmpty: false } parent)
            yield return new SaidField(GroupField.LinkedParent, parent.Value);
        if (!ParentOf(data, "Unlink").IsEmpty)
            yield return new SaidField(GroupField.LinkedParent, null);
    }

    /// <summary>Seconds of a timer that is on; null when it is off.</summary>
    internal static string? Timer(JsonElement item) =>
        Wire.Flag(item, "IsEphemeral") == false ? null : GroupFields.Seconds(Wire.Number(item, "DisappearingTimer") ?? 0);

    // Links to sub-groups and siblings are told in the community, about other groups.
    private static WhatsAppMesh.Events.Jid ParentOf(JsonElement data, string name) =>
        Wire.TryObject(data, name, out var link) && Wire.Text(link, "Type") == "parent_group" && Wire.TryObject(link, "Group", out var target)
        && Wire.Jid(target, "JID") is { IsGroup: true } jid
            ? jid
            : default;
}
