using WhatsAppMesh.Membership.Facts;
using WhatsAppMesh.Membership.Tests.Driving;

namespace WhatsAppMesh.Membership.Tests;

/// <summary>When a list is a whole roster, what a snapshot states by silence, and what a change states by null.</summary>
public sealed class GroupReadingTests
{
    private const string Head = "\"id\":\"120363000000000001@g.us\",\"subject\":\"G\"";
    private const string Two = "\"participants\":[{\"id\":\"1@lid\"},{\"id\":\"2@lid\"}]";

    [Theory]
    [InlineData("", "Roster")]
    [InlineData("\"size\":2,", "Roster")]
    [InlineData("\"size\":1,", "Roster")]
    [InlineData("\"size\":0,", "Roster")]
    [InlineData("\"size\":null,", "Roster")]
    [InlineData("\"size\":3,", "Listing")]
    [InlineData("\"size\":\"3\",", "Listing")]
    [InlineData("\"isCommunity\":true,", "Listing")]
    [InlineData("\"isCommunityAnnounce\":true,", "Listing")]
    [InlineData("\"isCommunityAnnounce\":true,\"size\":2,", "Roster")]
    [InlineData("\"isCommunityAnnounce\":true,\"size\":5,", "Listing")]
    [InlineData("\"isCommunity\":false,\"isCommunityAnnounce\":false,", "Roster")]
    public void List_is_whole_unless_the_group_says_that_it_is_not(string said, string kind)
    {
        foreach (var type in (string[])["groups.metadata", "groups.upsert", "groups.update"])
            Assert.Equal([$"{kind} 0? 1@lid 2@lid"], Reading.Of(type, $"{{{Head},{said}{Two}}}").Facts());
    }

    [Fact]
    public void Reported_size_is_kept_whether_or_not_all_are_listed() =>
        Assert.Equal("29", Reading.Of("groups.metadata", $"{{{Head},\"size\":29,{Two}}}").State()[GroupField.ReportedSize]);

    [Theory]
    [InlineData("7")]
    [InlineData("null")]
    [InlineData("{}")]
    [InlineData("\"abc@lid\"")]
    [InlineData("{\"id\":\"\",\"jid\":\"\"}")]
    public void List_with_a_row_that_cannot_be_read_is_no_whole_roster(string row)
    {
        var seen = Reading.Of("groups.metadata", $"{{{Head},\"participants\":[{{\"id\":\"1@lid\"}},{row}]}}");
        Assert.Equal(["Listing 0? 1@lid"], seen.Facts());
        Assert.Equal(1, seen.Skipped);
    }

    [Theory]
    [InlineData("\"13135550002@s.whatsapp.net\"")]
    [InlineData("{\"id\":\"867051314767696@bot\",\"admin\":null}")]
    [InlineData("\"0@c.us\"")]
    public void Bot_in_a_group_is_no_member_and_no_gap(string row)
    {
        var seen = Reading.Of("groups.metadata", $"{{{Head},\"size\":2,\"participants\":[{{\"id\":\"1@lid\"}},{row}]}}");
        Assert.Equal(["Roster 0? 1@lid"], seen.Facts());
    }

    [Theory]
    [InlineData("isAdmin", MemberRole.Admin)]
    [InlineData("IsAdmin", MemberRole.Admin)]
    [InlineData("isSuperAdmin", MemberRole.Superadmin)]
    [InlineData("IsSuperAdmin", MemberRole.Superadmin)]
    public void Roles_come_as_flags_too(string flag, MemberRole role)
    {
        var seen = Reading.Of("groups.metadata", $"{{{Head},\"participants\":[{{\"id\":\"1@lid\",\"{flag}\":true}}]}}");
        Assert.Equal(role, Assert.Single(Assert.Single(seen.Facts).Fact.Entries).Role);
    }

    [Theory]
    [InlineData("\"subject\":\"G\",\"participants\":[\"1@lid\"]")]
    [InlineData("\"creation\":1700000000")]
    public void Whole_snapshot_states_what_it_lacks(string said)
    {
        foreach (var type in (string[])["groups.metadata", "groups.upsert", "groups.update"])
        {
            var state = Reading.Of(type, $"{{\"id\":\"120363000000000001@g.us\",{said}}}").State();
            Assert.Equal([null, null, null, null],
                ((GroupField[])[GroupField.Description, GroupField.EphemeralDuration, GroupField.LinkedParent, GroupField.Owner]).Select(field => state[field]));
            Assert.DoesNotContain(GroupField.Announce, state.Keys);
            Assert.DoesNotContain(GroupField.MemberAddMode, state.Keys);
            Assert.DoesNotContain(GroupField.IsCommunity, state.Keys);
        }
    }

    [Theory]
    [InlineData("groups.metadata", "\"participants\":[\"1@lid\"]")]
    [InlineData("groups.metadata", "\"subject\":\"G\"")]
    [InlineData("groups.upsert", "\"subject\":\"G\"")]
    [InlineData("groups.update", "\"participants\":[\"1@lid\"],\"desc\":null")]
    public void Snapshot_that_is_not_whole_states_only_what_it_has(string type, string said) =>
        Assert.DoesNotContain(GroupField.Description, Reading.Of(type, $"{{\"id\":\"120363000000000001@g.us\",{said}}}").State().Keys);

    [Theory]
    [InlineData("\"desc\":\"\"", GroupField.Description)]
    [InlineData("\"ephemeralDuration\":0", GroupField.EphemeralDuration)]
    [InlineData("\"linkedParent\":\"\"", GroupField.LinkedParent)]
    [InlineData("\"owner\":null", GroupField.Owner)]
    public void Empty_value_in_a_snapshot_is_none(string said, GroupField field) =>
        Assert.Null(Reading.Of("groups.metadata", $"{{{Head},{said},{Two}}}").State()[field]);

    [Theory]
    [InlineData("\"subject\":\"New\"", "Subject -0.25? New")]
    [InlineData("\"subject\":\"New\",\"subjectTime\":1772355600", "Subject -3 New")]
    [InlineData("\"desc\":\"Rules\"", "Description -0.25? Rules")]
    [InlineData("\"desc\":\"Rules\",\"descTime\":1772355600", "Description -3 Rules")]
    [InlineData("\"desc\":null", "Description -0.25? -")]
    [InlineData("\"desc\":\"\",\"descTime\":1772355600", "Description -3 -")]
    [InlineData("\"ephemeralDuration\":null", "EphemeralDuration -0.25? -")]
    [InlineData("\"ephemeralDuration\":0", "EphemeralDuration -0.25? -")]
    [InlineData("\"ephemeralDuration\":{\"low\":90,\"high\":0,\"unsigned\":true}", "EphemeralDuration -0.25? 90")]
    [InlineData("\"linkedParent\":null", "LinkedParent -0.25? -")]
    [InlineData("\"owner\":null", "Owner -0.25? -")]
    [InlineData("\"ownerPn\":\"12025550101@s.whatsapp.net\",\"owner\":\"1@lid\"", "Owner -0.25? 1@lid")]
    [InlineData("\"announce\":false", "Announce -0.25? false")]
    [InlineData("\"memberAddMode\":true", "MemberAddMode -0.25? true")]
    [InlineData("\"joinApprovalMode\":true", "JoinApprovalMode -0.25? true")]
    public void Change_states_what_it_has_and_null_unsets(string said, string change)
    {
        var seen = Reading.Of("groups.update", $"[{{\"id\":\"120363000000000001@g.us\",{said},\"author\":\"9@lid\"}}]");
        Assert.Equal([change], seen.Changes());
        Assert.Empty(seen.State());
    }

    [Fact]
    public void Time_of_a_subject_is_not_that_of_a_flag_beside_it()
    {
        var collector = new Collector();
        var change = collector.Event("groups.update", System.Text.Json.Nodes.JsonNode.Parse(
            """{"id":"120363000000000001@g.us","subject":"New","subjectTime":1772355600,"announce":true}""")!, Collector.Noon.AddHours(-3));
        change.OccurredAtSource = "subjectTime";
        Assert.Equal(["Subject -3 New", "Announce -0.25? true"], Events.EventReaders.Read([change]).Changes());
    }

    [Fact]
    public void Fields_of_a_snapshot_have_times_of_their_own()
    {
        var group = Assert.Single(Reading.Of("groups.metadata", $"{{{Head},\"subjectTime\":1772355600,\"desc\":null,\"descTime\":1772352000,{Two}}}").Groups);
        Assert.Equal(Collector.Noon.AddHours(-3), Assert.Single(group.Fields, static field => field.Field == GroupField.Subject).Version.At);
        Assert.Equal(Collector.Noon.AddHours(-4), Assert.Single(group.Fields, static field => field.Field == GroupField.Description).Version.At);
        Assert.Equal(Collector.Noon.AddMinutes(-15), Assert.Single(group.Fields, static field => field.Field == GroupField.LinkedParent).Version.At);
    }

    [Fact]
    public void Group_of_the_old_form_is_a_group()
    {
        var seen = Reading.Of("groups.metadata", """{"id":"12025550101-1400000000@g.us","subject":"Old","participants":["1@lid"]}""", "");
        Assert.Equal("12025550101-1400000000@g.us", Assert.Single(seen.Facts).Group.Jid);
    }
}
