using System.Text.Json;
using WhatsAppMesh.Membership.Events.Groups;
using WhatsAppMesh.Membership.Events.People;
using WhatsAppMesh.Membership.Facts;

namespace WhatsAppMesh.Membership.Events.Whatsmeow;

/// <summary>
/// whatsmeow's events.JoinedGroup as Go writes it: a whole group, as the collector's phone came into it. Every field is there, so the empty
/// text says that there is no description, no parent and no owner, and <c>false</c> is a flag that is off. Only where WhatsApp may have said
/// nothing (name, member add mode, addressing mode, count, times of the year 1) an empty value is silence.
/// </summary>
public static class JoinedGroup
{
    /// <summary>True when an object is one.</summary>
    public static bool Is(JsonElement data) => Wire.Jid(data, "JID").IsGroup && data.TryGetProperty("Participants", out _);

    /// <summary>Adds the group and its members.</summary>
    public static void Read(ObservedEvent source, JsonElement data, Observations into)
    {
        if (source.TryGroup(data, "JID") is not { } group)
        {
            into.Silent(source, SilentReason.NoGroup);
            return;
        }
        GroupFields.AddState(source, group, [.. Fields(data)], into);
        if (Participants.ReadField(source, data, into, ofRoster: true, "Participants") is { } people)
        {
            var isOfCommunity = Wire.Flag(data, "IsParent") == true || Wire.Flag(data, "IsDefaultSubGroup") == true;
            Roster.Add(source, group, people, Wire.Number(data, "ParticipantCount"), isOfCommunity, into);
        }
        foreach (var names in (PersonNames[])[PersonNames.Owner, PersonNames.SubjectOwner, PersonNames.DescriptionOwner, PersonNames.GoSender])
            names.Learn(source, data, into);
    }

    private static IEnumerable<SaidField> Fields(JsonElement data)
    {
        if (Wire.Text(data, "Name") is { Length: > 0 } name)
            yield return new SaidField(GroupField.Subject, name, Wire.Time(data, "NameSetAt"));
        if (Wire.Text(data, "Topic") is { } topic)
            yield return new SaidField(GroupField.Description, topic.Length > 0 ? topic : null, Wire.Time(data, "TopicSetAt"));
        if (data.TryGetProperty("IsEphemeral", out _))
            yield return new SaidField(GroupField.EphemeralDuration, GroupInfo.Timer(data));
        if (Wire.Text(data, "LinkedParentJID") is { } parent)
            yield return new SaidField(GroupField.LinkedParent, WhatsAppMesh.Events.Jid.Parse(parent) is { IsGroup: true } jid ? jid.Value : null);
        if (data.TryGetProperty("OwnerJID", out _))
            yield return new SaidField(GroupField.Owner, PersonNames.Owner.TryRead(data, out var owner) ? owner.Jid : null);
        if (Wire.Text(data, "AddressingMode") is "lid" or "pn")
            yield return new SaidField(GroupField.AddressingMode, Wire.Text(data, "AddressingMode"));
        if (Wire.Text(data, "MemberAddMode") is { Length: > 0 } mode)
            yield return new SaidField(GroupField.MemberAddMode, GroupFields.Flag(mode == "all_member_add"));
        foreach (var (flagName, field) in Flags)
        {
            if (Wire.Flag(data, flagName) is { } flag)
                yield return new SaidField(field, GroupFields.Flag(flag));
        }
        if (Wire.Number(data, "ParticipantCount") is > 0 and var count)
            yield return new SaidField(GroupField.ReportedSize, GroupFields.Number(count));
        if (Wire.Time(data, "GroupCreated") is { } created)
            yield return new SaidField(GroupField.CreatedAt, GroupFields.Instant(created));
    }

    private static readonly (string Name, GroupField Field)[] Flags =
    [
        ("IsAnnounce", GroupField.Announce),
        ("IsLocked", GroupField.Restrict),
        ("IsJoinApprovalRequired", GroupField.JoinApprovalMode),
        ("IsParent", GroupField.IsCommunity),
        ("IsDefaultSubGroup", GroupField.IsCommunityAnnounce),
    ];
}
