using System.Text.Json.Nodes;
using WhatsAppMesh.Membership.Tests.Driving;
using static WhatsAppMesh.Membership.Tests.Driving.Collector;

namespace WhatsAppMesh.Membership.Tests;

/// <summary>What public bug reports show of rosters, people and times, walked through over the real tables.</summary>
public sealed class CaseTests : IAsyncLifetime
{
    private readonly Collector _collector = new();
    private MembershipDatabase _database = null!;

    public async Task InitializeAsync() => _database = await MembershipDatabase.CreateAsync();

    public async Task DisposeAsync() => await _database.DisposeAsync();

    private async Task TellAsync(string type, string payload, DateTimeOffset? at = null)
    {
        await _database.ApplyAsync(_collector.Event(type, JsonNode.Parse(payload.Replace("$g", GroupJid, StringComparison.Ordinal))!, at));
        _collector.Clock += TimeSpan.FromMinutes(1);
    }

    private static long Seconds(double hours) => Noon.AddHours(hours).ToUnixTimeSeconds();

    [Fact]
    public async Task Phone_in_the_key_of_a_message_is_the_members()
    {
        await TellAsync("groups.metadata", """{"id":"$g","subject":"C1","addressingMode":"lid","participants":[{"id":"999000000000111@lid","admin":null}]}""");
        await TellAsync("messages.upsert", """
            {"key":{"remoteJid":"$g","fromMe":false,"id":"M","participant":"999000000000111@lid","participantPn":"12025550111@s.whatsapp.net"},
             "pushName":"Ana","message":{"conversation":"oi"}}
            """, Noon);
        Assert.Equal(["999000000000111@lid|12025550111@s.whatsapp.net"], await _database.RowsAsync("select lid, phone_jid from whatsapp_participants"));
    }

    [Fact]
    public async Task Empty_second_JID_is_none()
    {
        await TellAsync("groups.metadata", """
            {"id":"$g","subject":"C2","participants":[
                {"id":"999000000000121@lid","jid":"12025550121@s.whatsapp.net","lid":"999000000000121@lid","admin":"admin"},
                {"id":"999000000000122@lid","jid":"","lid":"999000000000122@lid","admin":null}]}
            """);
        Assert.Equal(["999000000000121@lid|12025550121@s.whatsapp.net", "999000000000122@lid|-"],
            await _database.RowsAsync("select lid, phone_jid from whatsapp_participants order by lid"));
    }

    [Fact]
    public async Task Changed_number_announces_nobody_and_removes_nobody_else()
    {
        await TellAsync("groups.metadata", """
            {"id":"$g","subject":"C3","addressingMode":"pn","participants":[{"id":"12025550131@s.whatsapp.net","admin":"admin"},{"id":"12025550132@s.whatsapp.net"}]}
            """);
        await TellAsync("messages.upsert", """
            {"key":{"remoteJid":"$g","id":"3","participant":"12025550132@s.whatsapp.net"},"messageStubType":33,"messageStubParameters":["12025550139@s.whatsapp.net"],
             "participant":"12025550132@s.whatsapp.net"}
            """, Noon.AddMinutes(1));
        await TellAsync("group-participants.update", """
            {"id":"$g","author":"12025550132@s.whatsapp.net","participants":["12025550139@s.whatsapp.net"],"action":"modify"}
            """);
        Assert.Contains("12025550131@s.whatsapp.net", await _database.ActiveAsync());
        Assert.Equal(2, (await _database.ActiveAsync()).Count);
        Assert.Equal(0, await _database.ValueAsync<long>("select count(*) from member_joins"));
    }

    [Fact]
    public async Task List_that_is_shorter_than_the_group_removes_nobody()
    {
        var five = string.Join(',', Enumerable.Range(140, 5).Select(static number => $"{{\"id\":\"{Lid(number)}\",\"phoneNumber\":\"{Phone(number)}\"}}"));
        await TellAsync("groups.metadata", $$"""{"id":"$g","subject":"C4","isCommunityAnnounce":true,"size":5,"participants":[{{five}}]}""");
        await TellAsync("groups.metadata", $$"""{"id":"$g","subject":"C4","isCommunityAnnounce":true,"size":5,"participants":[{"id":"{{Lid(140)}}"}]}""");
        Assert.Equal(5, (await _database.ActiveAsync()).Count);
        Assert.Equal(5L, await _database.ValueAsync<long>("select reported_size from whatsapp_groups"));
        await TellAsync("groups.metadata", $$"""{"id":"$g","subject":"C4","isCommunityAnnounce":true,"size":1,"participants":[{"id":"{{Lid(140)}}"}]}""");
        Assert.Equal([Lid(140)], await _database.ActiveAsync());
    }

    [Theory]
    [InlineData("{\"messages\":[$m],\"type\":\"append\"}")]
    [InlineData("[$m]")]
    public async Task Old_leave_in_a_batch_ends_no_later_stay(string batch)
    {
        const string Person = """{\"id\":\"999000000000148@lid\",\"phoneNumber\":\"12025550148@s.whatsapp.net\",\"admin\":null}""";
        await TellAsync("messages.upsert", $$"""
            {"key":{"remoteJid":"$g","id":"J1"},"messageTimestamp":{{Seconds(-1)}},"messageStubType":27,"messageStubParameters":["{{Person}}"]}
            """, Noon.AddHours(-1));
        var messages = $$"""
            {"key":{"remoteJid":"$g","id":"M0","participant":"999000000000149@lid"},"messageTimestamp":{{Seconds(-3.02)}},"message":{"conversation":"hello"} },
            {"key":{"remoteJid":"$g","id":"L0","participant":"999000000000148@lid"},"messageTimestamp":{{Seconds(-3)}},"messageStubType":32,
             "messageStubParameters":["{{Person}}"],"participant":"999000000000148@lid"}
            """;
        await TellAsync("messages.upsert", batch.Replace("$m", messages, StringComparison.Ordinal));
        Assert.Equal(["999000000000148@lid|-|11:00|-|-"], await _database.MembersAsync());
    }

    [Fact]
    public async Task Fields_that_were_removed_are_gone()
    {
        const string Fields = "select subject, description, linked_parent_jid, ephemeral_duration from whatsapp_groups";
        await TellAsync("groups.metadata", $$"""
            {"id":"$g","subject":"C19","desc":"Rules v1","descTime":{{Seconds(-2)}},"descId":"AA","linkedParent":"120363000000009100@g.us","ephemeralDuration":86400,
             "creation":{{Seconds(-30)}},"participants":[{"id":"999000000000190@lid","admin":"admin"}]}
            """);
        Assert.Equal(["C19|Rules v1|120363000000009100@g.us|86400"], await _database.RowsAsync(Fields));
        await TellAsync("messages.upsert", $$"""
            {"key":{"remoteJid":"$g","id":"A","participant":"999000000000190@lid"},"messageTimestamp":{{Seconds(0)}},"messageStubType":24,"participant":"999000000000190@lid"}
            """, Noon);
        Assert.Equal(["C19|-|120363000000009100@g.us|86400"], await _database.RowsAsync(Fields));
        await TellAsync("groups.update", """{"id":"$g","author":"999000000000190@lid"}""");
        await TellAsync("groups.metadata", $$"""{"id":"$g","subject":"C19","creation":{{Seconds(-30)}},"participants":[{"id":"999000000000190@lid","admin":"admin"}]}""");
        Assert.Equal(["C19|-|-|-"], await _database.RowsAsync(Fields));
        Assert.Equal(["999000000000190@lid"], await _database.ActiveAsync());
    }

    [Fact]
    public async Task Deleted_group_has_nobody_in_it()
    {
        await TellAsync("groups.metadata", """{"id":"$g","subject":"D","participants":["1@lid","2@lid"]}""");
        await TellAsync("messages.upsert", """{"key":{"remoteJid":"$g","id":"D"},"messageStubType":43}""", Noon.AddMinutes(1));
        Assert.Empty(await _database.ActiveAsync());
    }

    [Fact]
    public async Task Label_that_becomes_empty_is_removed()
    {
        await TellAsync("groups.metadata", """{"id":"$g","subject":"T","participants":["1@lid"]}""");
        await TellAsync("messages.upsert", """{"key":{"remoteJid":"$g","participant":"1@lid"},"message":{"protocolMessage":{"type":30,"memberLabel":{"label":"Coach"}}}}""", Noon);
        Assert.EndsWith("|Coach", Assert.Single(await _database.MembersAsync()), StringComparison.Ordinal);
        await TellAsync(
            "messages.upsert", """{"key":{"remoteJid":"$g","participant":"1@lid"},"message":{"protocolMessage":{"type":30,"memberLabel":{"label":""}}}}""", Noon.AddMinutes(1));
        Assert.EndsWith("|-", Assert.Single(await _database.MembersAsync()), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Invite_link_mode_is_kept()
    {
        await TellAsync("messages.upsert", """{"key":{"remoteJid":"$g"},"messageStubType":217,"messageStubParameters":["all_member_link"]}""", Noon);
        Assert.True(await _database.ValueAsync<bool>("select member_link_mode from whatsapp_groups"));
    }

    [Fact]
    public async Task Past_participants_of_the_history_have_left_and_say_nothing_of_a_rejoin()
    {
        await TellAsync("groups.metadata", """{"id":"$g","subject":"P","participants":["1@lid"]}""");
        await TellAsync("messaging-history.set", $$"""
            {"pastParticipants":[{"groupJid":"$g","pastParticipants":[{"userJid":"1@lid","leaveTs":{{Seconds(-5)}} },{"userJid":"2@lid","leaveTs":{{Seconds(-4)}} }]}]}
            """);
        Assert.Equal(["1@lid"], await _database.ActiveAsync());
        Assert.Contains("2@lid|-|-|08:00|-", await _database.MembersAsync());
    }

    [Fact]
    public async Task Engines_fill_the_same_tables()
    {
        await TellAsync("evolution.joinedgroup", File.ReadAllText(Samples.Path("66_whatsmeow_joined_group.json")));
        await TellAsync("evolution.groupinfo", """{"data":{"JID":"$g","Timestamp":"2026-03-01T09:30:00-03:00","Join":["999000000000105@lid"],"Leave":null}}""");
        await TellAsync("waha.group.v2.participants", $$"""
            {"payload":{"group":{"id":"$g"},"type":"leave","timestamp":{{Seconds(0.6)}},"participants":[{"id":"999000000000103@lid","role":"left"}],"_data":{} } }
            """);
        await TellAsync("evolution.group-participants.update", """{"data":{"id":"$g","action":"promote","participants":["999000000000104@lid"]}}""");
        Assert.Equal(["999000000000101@lid", "999000000000104@lid", "999000000000105@lid"], await _database.ActiveAsync());
    }
}
