using WhatsAppMesh.Membership.V1;

namespace WhatsAppMesh.Edge.Operator;

/// <summary>A group as the API shows it; what was never said is left out.</summary>
internal sealed record GroupView(
    string Jid, string Subject, string? Description, string? OwnerJid, string? AddressingMode, string? LinkedParentJid, bool? Announce,
    bool? Restrict, bool? JoinApprovalMode, bool? MemberAddMode, bool? IsCommunity, bool? IsCommunityAnnounce, long? EphemeralDuration,
    DateTime? CreatedAt, DateTime? FirstSeenAt, DateTime? LastSeenAt, int MemberCount, long? ReportedSize, int Listed)
{
    public static GroupView Of(Group group) => new(
        group.Jid, group.Subject, group.Description.NullIfEmpty(), group.OwnerJid.NullIfEmpty(), group.AddressingMode.NullIfEmpty(),
        group.LinkedParentJid.NullIfEmpty(), group.HasAnnounce ? group.Announce : null, group.HasRestrict ? group.Restrict : null,
        group.HasJoinApprovalMode ? group.JoinApprovalMode : null, group.HasMemberAddMode ? group.MemberAddMode : null,
        group.HasIsCommunity ? group.IsCommunity : null, group.HasIsCommunityAnnounce ? group.IsCommunityAnnounce : null,
        group.HasEphemeralDuration ? group.EphemeralDuration : null, Rfc3339.Of(group.CreatedAt), Rfc3339.Of(group.FirstSeenAt),
        Rfc3339.Of(group.LastSeenAt), group.MemberCount, group.HasReportedSize ? group.ReportedSize : null, group.Listed);
}

/// <summary>A page of groups.</summary>
internal sealed record GroupPage(IReadOnlyList<GroupView> Groups, string? NextPageToken);

/// <summary>Somebody in a group.</summary>
internal sealed record MemberView(
    long ParticipantId, string? Lid, string? PhoneJid, string? PushName, string? Username, string Role, DateTime? JoinedAt, DateTime? LeftAt,
    string? Tag)
{
    public static MemberView Of(Member member) => new(
        member.ParticipantId, member.Lid.NullIfEmpty(), member.PhoneJid.NullIfEmpty(), member.PushName.NullIfEmpty(), member.Username.NullIfEmpty(),
        NameOf(member.Role), Rfc3339.Of(member.JoinedAt), Rfc3339.Of(member.LeftAt), member.Tag.NullIfEmpty());

    private static string NameOf(Role role) => role switch
    {
        Membership.V1.Role.Admin => "admin",
        Membership.V1.Role.Superadmin => "superadmin",
        _ => "member",
    };
}

/// <summary>A page of members.</summary>
internal sealed record MemberPage(IReadOnlyList<MemberView> Members, string? NextPageToken);

/// <summary>One uninterrupted presence of a person in a group.</summary>
internal sealed record StayView(
    string GroupJid, long ParticipantId, string? Lid, string? PhoneJid, string? Username, DateTime? JoinedAt, DateTime? LeftAt)
{
    public static StayView Of(Stay stay) => new(
        stay.GroupJid, stay.ParticipantId, stay.Lid.NullIfEmpty(), stay.PhoneJid.NullIfEmpty(), stay.Username.NullIfEmpty(),
        Rfc3339.Of(stay.JoinedAt), Rfc3339.Of(stay.LeftAt));
}

/// <summary>A page of stays.</summary>
internal sealed record StayPage(IReadOnlyList<StayView> Stays, string? NextPageToken);

/// <summary>One person.</summary>
internal sealed record ParticipantView(
    long ParticipantId, string? Lid, string? PhoneJid, IReadOnlyList<string> Jids, string? PushName, string? Username,
    DateTime? FirstSeenAt, DateTime? LastSeenAt)
{
    public static ParticipantView Of(Participant person) => new(
        person.ParticipantId, person.Lid.NullIfEmpty(), person.PhoneJid.NullIfEmpty(), person.Jids, person.PushName.NullIfEmpty(),
        person.Username.NullIfEmpty(), Rfc3339.Of(person.FirstSeenAt), Rfc3339.Of(person.LastSeenAt));
}

/// <summary>Says that a phone belongs to a LID from a time on (absent: from the beginning).</summary>
internal sealed record LinkOrder(string? Lid = null, string? PhoneJid = null, string? Since = null, string? Reason = null);

/// <summary>Says that a phone and a LID are not one person.</summary>
internal sealed record UnlinkOrder(string? Lid = null, string? PhoneJid = null, string? Reason = null);
