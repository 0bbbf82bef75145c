using WhatsAppMesh.Membership.Facts;

namespace WhatsAppMesh.Membership.Events.Messages;

/// <summary>What kind of thing a stub says.</summary>
public enum StubKind
{
    /// <summary>Nothing about who is in the group or how it is set up.</summary>
    Nothing,

    /// <summary>A text field: the first parameter; without one an optional field was removed.</summary>
    Text,

    /// <summary>A yes/no field: the first parameter.</summary>
    Flag,

    /// <summary>Seconds after which messages disappear: the first parameter.</summary>
    Timer,

    /// <summary>The parent community: the first parameter that is a group.</summary>
    Link,

    /// <summary>No parent community any more.</summary>
    Unlink,

    /// <summary>The owner: the first parameter that is a person.</summary>
    Owner,

    /// <summary>People came in: the parameters.</summary>
    Add,

    /// <summary>Somebody came in of their own: the parameters, else the author.</summary>
    Join,

    /// <summary>People were removed: the parameters.</summary>
    Remove,

    /// <summary>Somebody left: the parameters, else the author.</summary>
    Leave,

    /// <summary>People became admins: the parameters.</summary>
    Promote,

    /// <summary>People stopped being admins: the parameters.</summary>
    Demote,

    /// <summary>The author has another number or LID: the parameters.</summary>
    Number,

    /// <summary>Somebody asks to come in: the first parameter.</summary>
    Request,

    /// <summary>The group is gone.</summary>
    Delete,
}

/// <summary>A type of stub: number and name as in the StubType of WebMessageInfo, and what it says.</summary>
public sealed record StubType(int Number, string Name, StubKind Kind, GroupField? Field = null)
{
    /// <summary>True when not every parameter is a person: rich notices list groups and texts too, a request its action and way.</summary>
    public bool HasOtherParameters => Kind == StubKind.Request || Name.EndsWith("_RICH", StringComparison.Ordinal);
}

/// <summary>
/// Stubs that are read, and those that carry no state of a group (StubType of WebMessageInfo in WAProto of Baileys 6.7.24 and 7.0.0-rc14,
/// which agree up to 218). What is not listed here is counted as unread.
/// </summary>
public static class StubTypes
{
    private static readonly StubType[] All =
    [
        new(1, "REVOKE", StubKind.Nothing),
        new(2, "CIPHERTEXT", StubKind.Nothing),
        new(3, "FUTUREPROOF", StubKind.Nothing),
        new(20, "GROUP_CREATE", StubKind.Text, GroupField.Subject),
        new(21, "GROUP_CHANGE_SUBJECT", StubKind.Text, GroupField.Subject),
        new(22, "GROUP_CHANGE_ICON", StubKind.Nothing),
        new(23, "GROUP_CHANGE_INVITE_LINK", StubKind.Nothing),
        new(24, "GROUP_CHANGE_DESCRIPTION", StubKind.Text, GroupField.Description),
        new(25, "GROUP_CHANGE_RESTRICT", StubKind.Flag, GroupField.Restrict),
        new(26, "GROUP_CHANGE_ANNOUNCE", StubKind.Flag, GroupField.Announce),
        new(27, "GROUP_PARTICIPANT_ADD", StubKind.Add),
        new(28, "GROUP_PARTICIPANT_REMOVE", StubKind.Remove),
        new(29, "GROUP_PARTICIPANT_PROMOTE", StubKind.Promote),
        new(30, "GROUP_PARTICIPANT_DEMOTE", StubKind.Demote),
        new(31, "GROUP_PARTICIPANT_INVITE", StubKind.Add),
        new(32, "GROUP_PARTICIPANT_LEAVE", StubKind.Leave),
        new(33, "GROUP_PARTICIPANT_CHANGE_NUMBER", StubKind.Number),
        new(38, "E2E_IDENTITY_CHANGED", StubKind.Nothing),
        new(39, "E2E_ENCRYPTED", StubKind.Nothing),
        new(40, "CALL_MISSED_VOICE", StubKind.Nothing),
        new(41, "CALL_MISSED_VIDEO", StubKind.Nothing),
        new(43, "GROUP_DELETE", StubKind.Delete),
        new(44, "GROUP_ANNOUNCE_MODE_MESSAGE_BOUNCE", StubKind.Nothing),
        new(45, "CALL_MISSED_GROUP_VOICE", StubKind.Nothing),
        new(46, "CALL_MISSED_GROUP_VIDEO", StubKind.Nothing),
        new(68, "OVERSIZED", StubKind.Nothing),
        new(71, "GROUP_PARTICIPANT_ADD_REQUEST_JOIN", StubKind.Add),
        new(72, "CHANGE_EPHEMERAL_SETTING", StubKind.Timer, GroupField.EphemeralDuration),
        new(73, "E2E_DEVICE_CHANGED", StubKind.Nothing),
        new(74, "VIEWED_ONCE", StubKind.Nothing),
        new(75, "E2E_ENCRYPTED_NOW", StubKind.Nothing),
        new(132, "ADMIN_REVOKE", StubKind.Nothing),
        new(134, "COMMUNITY_LINK_PARENT_GROUP", StubKind.Link, GroupField.LinkedParent),
        new(137, "COMMUNITY_UNLINK_PARENT_GROUP", StubKind.Unlink, GroupField.LinkedParent),
        new(140, "GROUP_PARTICIPANT_ACCEPT", StubKind.Add),
        new(141, "GROUP_PARTICIPANT_LINKED_GROUP_JOIN", StubKind.Join),
        new(143, "EPHEMERAL_KEEP_IN_CHAT", StubKind.Nothing),
        new(144, "GROUP_MEMBERSHIP_JOIN_APPROVAL_REQUEST", StubKind.Request),
        new(145, "GROUP_MEMBERSHIP_JOIN_APPROVAL_MODE", StubKind.Flag, GroupField.JoinApprovalMode),
        new(146, "INTEGRITY_UNLINK_PARENT_GROUP", StubKind.Unlink, GroupField.LinkedParent),
        new(147, "COMMUNITY_PARTICIPANT_PROMOTE", StubKind.Promote),
        new(148, "COMMUNITY_PARTICIPANT_DEMOTE", StubKind.Demote),
        new(149, "COMMUNITY_PARENT_GROUP_DELETED", StubKind.Unlink, GroupField.LinkedParent),
        new(151, "GROUP_PARTICIPANT_JOINED_GROUP_AND_PARENT_GROUP", StubKind.Join),
        new(156, "CHAT_POLL_CREATION_MESSAGE", StubKind.Nothing),
        new(161, "CAG_INVITE_AUTO_JOINED", StubKind.Add),
        new(166, "SUB_GROUP_PARTICIPANT_ADD_RICH", StubKind.Add),
        new(167, "COMMUNITY_LINK_PARENT_GROUP_RICH", StubKind.Link, GroupField.LinkedParent),
        new(168, "COMMUNITY_PARTICIPANT_ADD_RICH", StubKind.Add),
        new(171, "GROUP_MEMBER_ADD_MODE", StubKind.Flag, GroupField.MemberAddMode),
        new(172, "GROUP_MEMBERSHIP_JOIN_APPROVAL_REQUEST_NON_ADMIN_ADD", StubKind.Request),
        new(173, "COMMUNITY_CHANGE_DESCRIPTION", StubKind.Text, GroupField.Description),
        new(177, "PINNED_MESSAGE_IN_CHAT", StubKind.Nothing),
        new(205, "EVENT_UPDATED", StubKind.Nothing),
        new(206, "EVENT_CANCELED", StubKind.Nothing),
        new(207, "COMMUNITY_OWNER_UPDATED", StubKind.Owner, GroupField.Owner),
        new(210, "STATUS_MENTION", StubKind.Nothing),
        new(213, "CHANGE_LID", StubKind.Number),
        new(217, "GROUP_MEMBER_LINK_MODE", StubKind.Flag, GroupField.MemberLinkMode),
        new(220, "QUARANTINED_MESSAGE", StubKind.Nothing),
    ];

    private static readonly Dictionary<int, StubType> ByNumber = All.ToDictionary(static type => type.Number);
    private static readonly Dictionary<string, StubType> ByName = All.ToDictionary(static type => type.Name, StringComparer.Ordinal);

    /// <summary>The type of a number, or null.</summary>
    public static StubType? Of(long? number) => number is >= 0 and <= int.MaxValue ? ByNumber.GetValueOrDefault((int)number) : null;

    /// <summary>The type of a name, or null.</summary>
    public static StubType? Of(string name) => ByName.GetValueOrDefault(name);
}
