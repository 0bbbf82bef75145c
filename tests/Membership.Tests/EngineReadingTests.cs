using WhatsAppMesh.Membership.Facts;
using WhatsAppMesh.Membership.Tests.Driving;

namespace WhatsAppMesh.Membership.Tests;

/// <summary>WAHA, Evolution and Evolution Go tell the same facts as Baileys, each in its own envelope.</summary>
public sealed class EngineReadingTests
{
    private const string Group = "120363000000000001@g.us";
    private const string Two = """[{"id":"1@lid","phoneNumber":"12025550101@s.whatsapp.net","admin":"superadmin"},{"id":"2@lid","admin":null}]""";

    private static string When(Events.Observations seen) =>
        seen.Facts.Select(static told => told.Fact.At).Concat(seen.FieldChanges.Select(static told => told.Change.Key.OrderAt))
            .Concat(seen.Sightings.Select(static sighting => sighting.At)).Distinct().Single().ToString("yyyy-MM-dd HH:mm:ss", null);

    [Fact]
    public void Join_by_link_in_Go_has_the_servers_time()
    {
        var seen = Reading.OfEnvelope("evolution.groupinfo", "63_whatsmeow_group_info_join_by_link.json");
        var told = Assert.Single(seen.Facts);
        Assert.Equal((FactKind.Add, Group, "999000000000104@lid"), (told.Fact.Kind, told.Group.Jid, Assert.Single(told.Fact.Entries).Jid));
        Assert.Empty(seen.FieldChanges);
        Assert.Empty(seen.Silent());
    }

    [Fact]
    public void Time_in_Go_carries_the_collectors_zone()
    {
        var go = File.ReadAllText(Samples.Path("63_whatsmeow_group_info_join_by_link.json")).Replace("2026-06-01T09:01:00-03:00", "2026-03-01T06:00:00-03:00", StringComparison.Ordinal);
        Assert.Equal("2026-03-01 09:00:00", When(Reading.Of("evolution.groupinfo", go, "")));
    }

    [Fact]
    public void Description_that_is_deleted_and_timer_that_is_off_in_Go_are_gone()
    {
        var seen = Reading.OfEnvelope("evolution.groupinfo", "65_whatsmeow_group_info_topic_deleted_timer_off.json");
        Assert.Equal([(GroupField.Description, null), (GroupField.EphemeralDuration, null)], seen.FieldChanges.Select(static told => (told.Change.Field, told.Change.Value)));
        Assert.Empty(seen.Facts);
        Assert.Equal(["12025550101=999000000000101"], seen.AllPairs());
    }

    [Theory]
    [InlineData("\"Leave\":[\"1@lid\"]", "Remove -3 1@lid")]
    [InlineData("\"Promote\":[\"1:12@lid\"]", "Promote -3 1@lid")]
    [InlineData("\"Demote\":[\"1@lid\",\"2@lid\"]", "Demote -3 1@lid 2@lid")]
    [InlineData("\"Delete\":{\"Deleted\":true,\"DeleteReason\":\"\"}", "Roster -3")]
    public void Changes_of_the_roster_in_Go(string change, string fact) =>
        Assert.Equal([fact], Reading.Of("evolution.groupinfo", GoInfo(change), "").Facts());

    [Theory]
    [InlineData("\"Name\":{\"Name\":\"New\",\"NameSetAt\":\"2026-03-01T09:00:00Z\"}", "Subject -3 New")]
    [InlineData("\"Topic\":{\"Topic\":\"Rules\",\"TopicDeleted\":false}", "Description -3 Rules")]
    [InlineData("\"Locked\":{\"IsLocked\":false}", "Restrict -3 false")]
    [InlineData("\"Announce\":{\"IsAnnounce\":true}", "Announce -3 true")]
    [InlineData("\"Ephemeral\":{\"IsEphemeral\":true,\"DisappearingTimer\":86400}", "EphemeralDuration -3 86400")]
    [InlineData("\"MembershipApprovalMode\":{\"IsJoinApprovalRequired\":true}", "JoinApprovalMode -3 true")]
    [InlineData("\"Link\":{\"Type\":\"parent_group\",\"Group\":{\"JID\":\"120363000000000009@g.us\"}}", "LinkedParent -3 120363000000000009@g.us")]
    [InlineData("\"Unlink\":{\"Type\":\"parent_group\",\"Group\":{\"JID\":\"120363000000000009@g.us\"}}", "LinkedParent -3 -")]
    public void Changes_of_fields_in_Go(string change, string field) => Assert.Equal([field], Reading.Of("evolution.groupinfo", GoInfo(change), "").Changes());

    [Fact]
    public void Whole_group_in_Go_states_what_is_empty_and_is_silent_of_what_was_not_said()
    {
        var seen = Reading.OfEnvelope("evolution.joinedgroup", "66_whatsmeow_joined_group.json");
        var state = seen.State();
        Assert.Equal("Grupo Exemplo", state[GroupField.Subject]);
        Assert.Equal("999000000000101@lid", state[GroupField.Owner]);
        Assert.Equal("true", state[GroupField.Announce]);
        Assert.Equal("false", state[GroupField.Restrict]);
        Assert.Equal("3", state[GroupField.ReportedSize]);
        Assert.Equal([null, null, null], ((GroupField[])[GroupField.Description, GroupField.EphemeralDuration, GroupField.LinkedParent]).Select(field => state[field]));
        Assert.DoesNotContain(GroupField.MemberAddMode, state.Keys);
        var told = Assert.Single(seen.Facts).Fact;
        Assert.Equal(FactKind.Roster, told.Kind);
        Assert.Equal([MemberRole.Superadmin, MemberRole.Member, MemberRole.Member], told.Entries.Select(static entry => entry.Role));
        Assert.Equal(["12025550101=999000000000101", "12025550103=999000000000103"], seen.AllPairs());
    }

    [Fact]
    public void Who_could_not_be_added_is_not_in_the_group()
    {
        var seen = Reading.Of("evolution.joinedgroup", $$"""
            {"data":{"JID":"{{Group}}","Name":"G","ParticipantCount":1,"Participants":[{"JID":"1@lid","Error":0},{"JID":"2@lid","Error":403}]} }
            """, "");
        Assert.Equal(["Roster 0? 1@lid"], seen.Facts());
    }

    [Theory]
    [InlineData("evolution.message", "58_evolution_go_message.json", "Bia Exemplo")]
    [InlineData("evolution.message", "67_whatsmeow_message_reply_from_a_linked_device.json", "Bia Exemplo")]
    [InlineData("evolution.message", "68_whatsmeow_message_image.json", "Bia Exemplo")]
    [InlineData("evolution.message", "69_whatsmeow_message_revoke.json", "Bia Exemplo")]
    public void Message_in_Go_names_its_sender_without_the_device(string type, string sample, string name)
    {
        var seen = Reading.OfEnvelope(type, sample);
        var sighting = Assert.Single(seen.Sightings);
        Assert.Contains(sighting.Person.Jid, (string[])["999000000000003@lid", "999000000000103@lid"]);
        Assert.Equal(name, sighting.PushName);
        Assert.Equal(Group, Assert.Single(seen.Groups).Group.Jid);
        Assert.Single(seen.AllPairs());
        Assert.Empty(seen.Silent());
    }

    [Fact]
    public void Protocol_message_in_Go_switches_the_timer_off()
    {
        var seen = Reading.Of("evolution.message", """
            {"data":{"Info":{"Chat":"$g","Sender":"1@lid","Timestamp":"2026-03-01T09:00:00Z"},"Message":{"protocolMessage":{"type":3,"ephemeralExpiration":0}}}}
            """, "");
        Assert.Equal(["EphemeralDuration -3 -"], seen.Changes());
    }

    [Fact]
    public void Delivery_in_Go_is_nobodys_act_and_reading_is()
    {
        Assert.Empty(Reading.OfEnvelope("evolution.receipt", "70_whatsmeow_receipt_delivered_and_group.json").Sightings);
        var read = File.ReadAllText(Samples.Path("70_whatsmeow_receipt_delivered_and_group.json")).Replace("\"Type\": \"\"", "\"Type\": \"read\"", StringComparison.Ordinal);
        Assert.Equal("999000000000103@lid", Assert.Single(Reading.Of("evolution.receipt", read, "").Sightings).Person.Jid);
    }

    [Theory]
    [InlineData("evolution.groups.upsert")]
    [InlineData("evolution.groups.update")]
    [InlineData("evolution.group.update")]
    public void Metadata_in_Evolution_is_Baileys_metadata(string type)
    {
        var seen = Reading.Of(type, """{"event":"x","instance":"i","data":[{"id":"$g","subject":"G","size":2,"participants":<Two>}]}""".Replace("<Two>", Two, StringComparison.Ordinal), "");
        Assert.Equal(["Roster 0? 1@lid 2@lid"], seen.Facts());
        Assert.Null(seen.State()[GroupField.Description]);
        Assert.Equal(["12025550101=1"], seen.AllPairs());
    }

    [Theory]
    [InlineData("evolution.groups.update")]
    [InlineData("evolution.group.update")]
    public void Change_in_Evolution_is_a_change(string type) =>
        Assert.Equal(["Announce -0.25? true"], Reading.Of(type, $$"""{"data":[{"id":"{{Group}}","announce":true,"author":"1@lid"}]}""", "").Changes());

    [Theory]
    [InlineData("add", "Add 0? 1@lid")]
    [InlineData("remove", "Remove 0? 1@lid")]
    [InlineData("promote", "Promote 0? 1@lid")]
    public void People_in_Evolution_come_with_their_phones(string action, string fact)
    {
        var seen = Reading.Of("evolution.group-participants.update", """
            {"data":{"id":"$g","author":"9@lid","action":"<action>","participants":["1@lid"],
                "participantsData":[{"jid":"1@lid","phoneNumber":"12025550101@s.whatsapp.net","name":"Ana","imgUrl":null}]}}
            """.Replace("<action>", action, StringComparison.Ordinal), "");
        Assert.Equal([fact], seen.Facts());
        Assert.Equal(["12025550101=1"], seen.AllPairs());
    }

    [Fact]
    public void Local_time_of_an_Evolution_server_is_no_time()
    {
        var collector = new Collector();
        var change = collector.Event("evolution.group-participants.update", System.Text.Json.Nodes.JsonNode.Parse(
            $$"""{"data":{"id":"{{Group}}","action":"add","participants":["1@lid"]},"date_time":"2026-03-01T09:00:00.000Z"}""")!, Collector.Noon.AddHours(-3), "");
        change.OccurredAtSource = "date_time";
        Assert.Equal(["Add 0? 1@lid"], Events.EventReaders.Read([change]).Facts());
    }

    [Fact]
    public void Message_in_Evolution_is_Baileys_message_and_a_number_is_no_name()
    {
        var seen = Reading.OfEnvelope("evolution.messages.upsert", "57_evolution_api_messages_upsert.json");
        Assert.Equal(["12025550109=999000000000009"], seen.AllPairs());
        Assert.Equal("Rafa Exemplo", Assert.Single(seen.Sightings).PushName);
        var unnamed = Reading.Of("evolution.messages.upsert", $$$"""{"data":{"key":{"remoteJid":"{{{Group}}}","participant":"1@lid"},"pushName":"1","messageTimestamp":1772355600}}""", "");
        Assert.Equal(["1@lid -3"], unnamed.Seen());
        Assert.Empty(Reading.Of("evolution.messages.update", """{"data":{"keyId":"X","remoteJid":"$g","participant":"9@lid","status":"READ"}}""", "").Sightings);
    }

    [Fact]
    public void Message_in_WAHA_names_its_sender()
    {
        var seen = Reading.OfEnvelope("waha.message", "59_waha_message.json");
        Assert.Equal("12025550103@s.whatsapp.net", Assert.Single(seen.Sightings).Person.Jid);
        Assert.Equal(Group, Assert.Single(seen.Groups).Group.Jid);
    }

    [Theory]
    [InlineData("{\"key\":{\"remoteJid\":\"120363000000000001@g.us\",\"participant\":\"1@lid\",\"participantAlt\":\"12025550101@s.whatsapp.net\"},\"messageTimestamp\":1772355600}")]
    [InlineData("{\"Info\":{\"Chat\":\"120363000000000001@g.us\",\"Sender\":\"1:4@lid\",\"SenderAlt\":\"12025550101@s.whatsapp.net\",\"Timestamp\":\"2026-03-01T09:00:00Z\"},\"Message\":{}}")]
    public void Engine_behind_WAHA_knows_both_JIDs(string data)
    {
        var seen = Reading.Of("waha.message.any", """{"payload":{"from":"$g","participant":"1@lid","timestamp":1772355601,"_data":<data>}}""".Replace("<data>", data, StringComparison.Ordinal), "");
        Assert.Equal(["1@lid -3"], seen.Seen());
        Assert.Equal(["12025550101=1"], seen.AllPairs());
    }

    [Theory]
    [InlineData("join", "Add -3 1@lid")]
    [InlineData("leave", "Remove -3 1@lid")]
    [InlineData("promote", "Promote -3 1@lid")]
    [InlineData("demote", "Demote -3 1@lid")]
    public void Participants_in_WAHA(string type, string fact)
    {
        var bare = Reading.Of("waha.group.v2.participants", """
            {"payload":{"group":{"id":"$g"},"type":"<type>","timestamp":1772355600,"participants":[{"id":"1@lid","pn":"12025550101@c.us","role":"left"}],"_data":{}}}
            """.Replace("<type>", type, StringComparison.Ordinal), "");
        Assert.Equal([fact], bare.Facts());
        var noweb = Reading.Of("waha.group.v2.participants", """
            {"payload":{"group":{"id":"$g"},"type":"<type>","timestamp":1772355600000,"participants":[{"id":"1@lid","role":"participant"}],
                "_data":{"id":"$g","author":null,"participants":[{"id":"1@lid","phoneNumber":"12025550101@s.whatsapp.net","admin":null}],"action":"add"}}}
            """.Replace("<type>", type, StringComparison.Ordinal), "");
        Assert.Equal([fact], noweb.Facts());
        Assert.Equal(["12025550101=1"], noweb.AllPairs());
        var gows = Reading.Of("waha.group.v2.participants", """
            {"payload":{"group":{"id":"$g"},"type":"<type>","timestamp":1772366400000,"participants":[{"id":"1@lid","role":"left"}],
                "_data":{"JID":"$g","Timestamp":"2026-03-01T06:00:00-03:00","Join":["1@lid"],"Leave":null} }}
            """.Replace("<type>", type, StringComparison.Ordinal), "");
        Assert.Equal([fact], gows.Facts());
    }

    [Fact]
    public void Changed_number_in_WAHA_is_no_join()
    {
        var seen = Reading.Of("waha.group.v2.participants", """
            {"payload":{"group":{"id":"$g"},"timestamp":1772355600000,"participants":[{"id":"12025550139@c.us"}],
                "_data":{"id":"$g","author":"12025550132@s.whatsapp.net","participants":["12025550139@s.whatsapp.net"],"action":"modify"}}}
            """, "");
        Assert.Equal("12025550139@s.whatsapp.net", Assert.Single(seen.NumberChanges).NewPhone);
        Assert.Empty(seen.Facts);
    }

    [Fact]
    public void Leaving_in_WAHA_is_the_collectors_own_number()
    {
        var seen = Reading.Of("waha.group.v2.leave", """
            {"me":{"id":"12025550199@c.us","lid":"9@lid"},"payload":{"timestamp":1772355600,"group":{"id":"$g"},"_data":{"JID":"$g","Leave":["9@lid","8@lid"]}}}
            """, "");
        Assert.Equal(["Remove -3 9@lid"], seen.Facts());
    }

    [Fact]
    public void Joining_in_WAHA_is_a_snapshot_of_the_group()
    {
        var noweb = Reading.Of("waha.group.v2.join", """
            {"payload":{"timestamp":1772355600000,"group":{"id":"$g","subject":"G","membersCanSendMessages":true,"participants":[{"id":"1@lid","role":"admin"}]},
                "_data":{"id":"$g","subject":"G","announce":true,"size":2,"participants":<Two>}}}
            """.Replace("<Two>", Two, StringComparison.Ordinal), "");
        Assert.Equal(["Roster -3 1@lid 2@lid"], noweb.Facts());
        Assert.Equal("true", noweb.State()[GroupField.Announce]);
        var bare = Reading.Of("waha.group.v2.join", """
            {"payload":{"timestamp":1772355600000,"group":{"id":"$g","subject":"G","description":"D","membersCanAddNewMember":true,"membersCanSendMessages":true,
                "newMembersApprovalRequired":false,"participants":[{"id":"1@lid","pn":"12025550101@c.us","role":"admin"},{"id":"3@lid","role":"left"}]},"_data":{}}}
            """, "");
        Assert.Equal(["Roster -3 1@lid"], bare.Facts());
        Assert.Equal(["12025550101=1"], bare.AllPairs());
        Assert.Equal(("D", "true", "false"), (bare.State()[GroupField.Description], bare.State()[GroupField.MemberAddMode], bare.State()[GroupField.JoinApprovalMode]));
        Assert.DoesNotContain(GroupField.Announce, bare.State().Keys);
    }

    [Fact]
    public void Update_in_WAHA_is_what_the_engine_changed()
    {
        var noweb = Reading.Of("waha.group.v2.update", """{"payload":{"timestamp":1772355600000,"group":{"id":"$g"},"_data":{"id":"$g","desc":null}}}""", "");
        Assert.Equal(["Description -3 -"], noweb.Changes());
        var gows = Reading.Of("waha.group.v2.update", """
            {"payload":{"timestamp":1772366400000,"group":{"id":"$g"},"_data":{"JID":"$g","Timestamp":"2026-03-01T09:00:00Z","Join":null,"Announce":{"IsAnnounce":false} } }}
            """, "");
        Assert.Equal(["Announce -3 false"], gows.Changes());
        Assert.Empty(gows.Facts);
    }

    [Fact]
    public void Request_in_WAHA_names_a_person_and_is_no_membership()
    {
        var seen = Reading.Of("waha.group.v2.participants.join-request", """
            {"payload":{"group":{"id":"$g"},"action":"created","requesterId":"1@lid","requesterPn":"12025550101@c.us","timestamp":1772355600,"_data":{}}}
            """, "");
        Assert.Equal(["1@lid -3"], seen.Seen());
        Assert.Equal(["12025550101=1"], seen.AllPairs());
        Assert.Empty(seen.Facts);
    }

    private static string GoInfo(string change) => """{"data":{"JID":"$g","Timestamp":"2026-03-01T06:00:00-03:00","Join":null,<change>} }""".Replace("<change>", change, StringComparison.Ordinal);
}
