using WhatsAppMesh.Membership.Facts;
using WhatsAppMesh.Membership.Tests.Driving;

namespace WhatsAppMesh.Membership.Tests;

/// <summary>What the notices of a group say, by number and by name, at the server's time.</summary>
public sealed class StubReadingTests
{
    private static string Stub(string type, string? parameters) =>
        $"\"messageStubType\":{type}" + (parameters is null ? "" : $",\"messageStubParameters\":{parameters}");

    [Theory]
    [InlineData("21", "GROUP_CHANGE_SUBJECT", "[\"New\"]", "Subject -3 New")]
    [InlineData("20", "GROUP_CREATE", "[\"New\"]", "Subject -3 New")]
    [InlineData("24", "GROUP_CHANGE_DESCRIPTION", "[\"Rules\"]", "Description -3 Rules")]
    [InlineData("24", "GROUP_CHANGE_DESCRIPTION", null, "Description -3 -")]
    [InlineData("24", "GROUP_CHANGE_DESCRIPTION", "[]", "Description -3 -")]
    [InlineData("24", "GROUP_CHANGE_DESCRIPTION", "null", "Description -3 -")]
    [InlineData("173", "COMMUNITY_CHANGE_DESCRIPTION", "[\"Rules\"]", "Description -3 Rules")]
    [InlineData("25", "GROUP_CHANGE_RESTRICT", "[\"on\"]", "Restrict -3 true")]
    [InlineData("26", "GROUP_CHANGE_ANNOUNCE", "[\"true\"]", "Announce -3 true")]
    [InlineData("26", "GROUP_CHANGE_ANNOUNCE", "[\"off\"]", "Announce -3 false")]
    [InlineData("145", "GROUP_MEMBERSHIP_JOIN_APPROVAL_MODE", "[\"on\"]", "JoinApprovalMode -3 true")]
    [InlineData("145", "GROUP_MEMBERSHIP_JOIN_APPROVAL_MODE", "[\"off\"]", "JoinApprovalMode -3 false")]
    [InlineData("171", "GROUP_MEMBER_ADD_MODE", "[\"all_member_add\"]", "MemberAddMode -3 true")]
    [InlineData("171", "GROUP_MEMBER_ADD_MODE", "[\"admin_add\"]", "MemberAddMode -3 false")]
    [InlineData("217", "GROUP_MEMBER_LINK_MODE", "[\"all_member_link\"]", "MemberLinkMode -3 true")]
    [InlineData("217", "GROUP_MEMBER_LINK_MODE", "[\"admin_link\"]", "MemberLinkMode -3 false")]
    [InlineData("72", "CHANGE_EPHEMERAL_SETTING", "[\"86400\",\"1@lid\"]", "EphemeralDuration -3 86400")]
    [InlineData("72", "CHANGE_EPHEMERAL_SETTING", "[\"0\"]", "EphemeralDuration -3 -")]
    [InlineData("134", "COMMUNITY_LINK_PARENT_GROUP", "[\"120363000000000009@g.us\",\"Parent\"]", "LinkedParent -3 120363000000000009@g.us")]
    [InlineData("167", "COMMUNITY_LINK_PARENT_GROUP_RICH", "[\"Parent\",\"120363000000000009@g.us\"]", "LinkedParent -3 120363000000000009@g.us")]
    [InlineData("137", "COMMUNITY_UNLINK_PARENT_GROUP", "[\"120363000000000009@g.us\"]", "LinkedParent -3 -")]
    [InlineData("146", "INTEGRITY_UNLINK_PARENT_GROUP", null, "LinkedParent -3 -")]
    [InlineData("149", "COMMUNITY_PARENT_GROUP_DELETED", null, "LinkedParent -3 -")]
    [InlineData("207", "COMMUNITY_OWNER_UPDATED", "[\"2@lid\"]", "Owner -3 2@lid")]
    public void Stubs_set_and_unset_fields_of_the_group(string number, string name, string? parameters, string change)
    {
        Assert.Equal([change], Reading.OfMessage(Stub(number, parameters)).Changes());
        Assert.Equal([change], Reading.OfMessage(Stub($"\"{name}\"", parameters)).Changes());
    }

    [Theory]
    [InlineData("27", "GROUP_PARTICIPANT_ADD", "[\"2@lid\"]", "Add -3 2@lid")]
    [InlineData("31", "GROUP_PARTICIPANT_INVITE", "[\"2@lid\"]", "Add -3 2@lid")]
    [InlineData("71", "GROUP_PARTICIPANT_ADD_REQUEST_JOIN", "[\"2@lid\"]", "Add -3 2@lid")]
    [InlineData("140", "GROUP_PARTICIPANT_ACCEPT", "[\"{\\\"id\\\":\\\"2@lid\\\"}\"]", "Add -3 2@lid")]
    [InlineData("141", "GROUP_PARTICIPANT_LINKED_GROUP_JOIN", "[\"2@lid\"]", "Add -3 2@lid")]
    [InlineData("141", "GROUP_PARTICIPANT_LINKED_GROUP_JOIN", null, "Add -3 1@lid")]
    [InlineData("151", "GROUP_PARTICIPANT_JOINED_GROUP_AND_PARENT_GROUP", "[\"2@lid\",\"3@lid\"]", "Add -3 2@lid 3@lid")]
    [InlineData("161", "CAG_INVITE_AUTO_JOINED", "[\"2@lid\"]", "Add -3 2@lid")]
    [InlineData("166", "SUB_GROUP_PARTICIPANT_ADD_RICH", "[\"2@lid\",\"120363000000000009@g.us\",\"A name\"]", "Add -3 2@lid")]
    [InlineData("168", "COMMUNITY_PARTICIPANT_ADD_RICH", "[\"2@lid\",\"A name\"]", "Add -3 2@lid")]
    [InlineData("28", "GROUP_PARTICIPANT_REMOVE", "[\"2@lid\"]", "Remove -3 2@lid")]
    [InlineData("32", "GROUP_PARTICIPANT_LEAVE", "[\"2@lid\"]", "Remove -3 2@lid")]
    [InlineData("32", "GROUP_PARTICIPANT_LEAVE", null, "Remove -3 1@lid")]
    [InlineData("29", "GROUP_PARTICIPANT_PROMOTE", "[\"2@lid\"]", "Promote -3 2@lid")]
    [InlineData("147", "COMMUNITY_PARTICIPANT_PROMOTE", "[\"2@lid\"]", "Promote -3 2@lid")]
    [InlineData("30", "GROUP_PARTICIPANT_DEMOTE", "[\"2@lid\"]", "Demote -3 2@lid")]
    [InlineData("148", "COMMUNITY_PARTICIPANT_DEMOTE", "[\"2@lid\"]", "Demote -3 2@lid")]
    [InlineData("43", "GROUP_DELETE", null, "Roster -3")]
    public void Stubs_change_the_roster(string number, string name, string? parameters, string fact)
    {
        var seen = Reading.OfMessage(Stub(number, parameters));
        Assert.Equal([fact], seen.Facts());
        Assert.Equal([fact], Reading.OfMessage(Stub($"\"{name}\"", parameters)).Facts());
        Assert.Equal(0, seen.Skipped);
    }

    [Theory]
    [InlineData("213")]
    [InlineData("\"CHANGE_LID\"")]
    public void Another_LID_behind_a_phone_is_a_pair_and_no_join(string type)
    {
        var seen = Reading.OfMessage(Stub(type, "[\"{\\\"id\\\":\\\"2@lid\\\",\\\"phoneNumber\\\":\\\"12025550102@s.whatsapp.net\\\"}\"]"));
        Assert.Empty(seen.Facts);
        Assert.Equal(["12025550102=2"], seen.AllPairs());
    }

    [Theory]
    [InlineData("{\"protocolMessage\":{\"type\":3,\"ephemeralExpiration\":604800}}", "604800")]
    [InlineData("{\"protocolMessage\":{\"type\":\"EPHEMERAL_SETTING\",\"ephemeralExpiration\":\"86400\"}}", "86400")]
    [InlineData("{\"protocolMessage\":{\"type\":3,\"ephemeralExpiration\":0}}", "-")]
    [InlineData("{\"protocolMessage\":{\"type\":3}}", "-")]
    [InlineData("{\"ephemeralMessage\":{\"message\":{\"protocolMessage\":{\"type\":3,\"ephemeralExpiration\":0}}}}", "-")]
    [InlineData("{\"messageContextInfo\":{},\"groupStatusMessageV2\":{\"message\":{\"viewOnceMessage\":{\"message\":{\"protocolMessage\":{\"type\":3,\"ephemeralExpiration\":90}}}}}}", "90")]
    public void Timer_is_set_and_switched_off_by_a_protocol_message_in_whatever_wrapper(string content, string value) =>
        Assert.Equal([$"EphemeralDuration -3 {value}"], Reading.OfMessage($"\"message\":{content}").Changes());

    [Theory]
    [InlineData("30", "{\"label\":\"Coach\"}", "Coach")]
    [InlineData("\"GROUP_MEMBER_LABEL_CHANGE\"", "{\"label\":\"\"}", "")]
    [InlineData("30", "{}", "")]
    [InlineData("30", "null", "")]
    public void Label_is_set_and_removed_by_a_protocol_message(string type, string label, string expected)
    {
        var seen = Reading.OfMessage($"\"message\":{{\"protocolMessage\":{{\"type\":{type},\"memberLabel\":{label}}}}}");
        var tag = Assert.Single(seen.Tags);
        Assert.Equal(("1@lid", expected, Collector.Noon.AddHours(-3)), (tag.Member.Jid, tag.Label, tag.Key.OrderAt));
    }

    [Theory]
    [InlineData("{\"id\":\"120363000000000001@g.us\",\"ephemeralExpiration\":86400,\"ephemeralSettingTimestamp\":1772355600}", "EphemeralDuration -3 86400")]
    [InlineData("{\"id\":\"120363000000000001@g.us\",\"ephemeralExpiration\":null,\"ephemeralSettingTimestamp\":1772355600}", "EphemeralDuration -3 -")]
    [InlineData("{\"id\":\"120363000000000001@g.us\",\"ephemeralExpiration\":0}", "EphemeralDuration -0.25? -")]
    public void Timer_of_a_chat_is_that_of_the_group(string chat, string change)
    {
        Assert.Equal([change], Reading.Of("chats.update", $"[{chat}]", "").Changes());
        Assert.Equal([change], Reading.Of("chats.upsert", chat, "").Changes());
    }

    [Fact]
    public void Chat_without_a_timer_says_nothing_of_it() =>
        Assert.Empty(Reading.Of("chats.update", """[{"id":"120363000000000001@g.us","unreadCount":3}]""", "").FieldChanges);

    [Fact]
    public void Two_changes_of_one_event_have_keys_of_their_own()
    {
        var seen = Reading.Of("groups.update", """{"id":"120363000000000001@g.us","announce":true,"restrict":true}""");
        Assert.Equal([0, 1], seen.FieldChanges.Select(static told => told.Change.Key.Ordinal));
        Assert.Equal([GroupField.Announce, GroupField.Restrict], seen.FieldChanges.Select(static told => told.Change.Field));
    }
}
