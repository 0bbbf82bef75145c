using WhatsAppMesh.Membership.Events.People;
using WhatsAppMesh.Membership.Tests.Driving;

namespace WhatsAppMesh.Membership.Tests;

/// <summary>Who is who: pairs, usernames, changed numbers and ids, under every name that a library gives them.</summary>
public sealed class PeopleReadingTests
{
    private const string Lid = "1@lid";
    private const string Phone = "12025550101@s.whatsapp.net";
    private const string Pair = "12025550101=1";
    private const string Group = "120363000000000001@g.us";

    [Theory]
    [InlineData("participant", "participantAlt")]
    [InlineData("participant", "participantPn")]
    [InlineData("participant", "senderPn")]
    [InlineData("participantLid", "participantPn")]
    [InlineData("senderLid", "senderPn")]
    public void Key_of_a_message_in_a_group_names_both_JIDs(string lid, string phone)
    {
        var key = $$"""{"remoteJid":"{{Group}}","id":"M","{{lid}}":"{{Lid}}","{{phone}}":"{{Phone}}"}""";
        Assert.Equal([Pair], Reading.Of("messages.upsert", """{"key":<key>,"message":{"conversation":"x"}}""".Replace("<key>", key, StringComparison.Ordinal)).AllPairs());
        Assert.Equal([Pair], Reading.Of("messages.upsert", """{"messages":[{"key":<key>}]}""".Replace("<key>", key, StringComparison.Ordinal)).AllPairs());
        Assert.Equal([Pair], Reading.Of("messages.update", """[{"key":<key>,"update":{"status":3}}]""".Replace("<key>", key, StringComparison.Ordinal)).AllPairs());
        Assert.Equal([Pair], Reading.Of("messages.reaction", """[{"key":{"remoteJid":"$g"},"reaction":{"key":<key>,"text":"x"}}]""".Replace("<key>", key, StringComparison.Ordinal)).AllPairs());
        Assert.Equal([Pair], Reading.Of("message-receipt.update", """[{"key":<key>,"receipt":{"userJid":"<Lid>","readTimestamp":1772355600}}]""".Replace("<key>", key, StringComparison.Ordinal).Replace("<Lid>", Lid, StringComparison.Ordinal)).AllPairs());
    }

    [Theory]
    [InlineData("\"participant\":\"1@lid\"", "\"participant\":\"1@lid\",\"participantPn\":\"12025550101@s.whatsapp.net\"")]
    [InlineData("\"participantPn\":\"12025550101@s.whatsapp.net\"", "\"participant\":\"1@lid\",\"participantAlt\":\"12025550101@s.whatsapp.net\"")]
    [InlineData("\"fromMe\":false", "\"participant\":\"1@lid\",\"participantAlt\":\"12025550101@s.whatsapp.net\"")]
    public void Names_beside_a_key_count_too(string inKey, string beside) =>
        Assert.Equal([Pair], Reading.Of("messages.upsert", """{"key":{"remoteJid":"$g",<inKey>},<beside>}""".Replace("<inKey>", inKey, StringComparison.Ordinal).Replace("<beside>", beside, StringComparison.Ordinal)).AllPairs());

    [Fact]
    public void Two_people_are_no_pair()
    {
        var seen = Reading.Of("messages.upsert", $$"""{"key":{"remoteJid":"{{Group}}","participant":"1@lid"},"participant":"12025550109@s.whatsapp.net"}""");
        Assert.Empty(seen.AllPairs());
    }

    [Theory]
    [InlineData("\"remoteJid\":\"1@lid\",\"remoteJidAlt\":\"12025550101@s.whatsapp.net\"")]
    [InlineData("\"remoteJid\":\"12025550101@s.whatsapp.net\",\"remoteJidAlt\":\"1@lid\"")]
    [InlineData("\"remoteJid\":\"1@lid\",\"senderPn\":\"12025550101@s.whatsapp.net\"")]
    [InlineData("\"remoteJid\":\"12025550101@s.whatsapp.net\",\"senderLid\":\"1@lid\"")]
    public void Key_of_a_direct_message_names_both_JIDs(string key)
    {
        Assert.Equal([Pair], Reading.Of("messages.upsert", """{"key":{<key>},"pushName":"Ana"}""".Replace("<key>", key, StringComparison.Ordinal), "").AllPairs());
        Assert.Empty(Reading.Of("messages.upsert", """{"key":{<key>,"fromMe":true} }""".Replace("<key>", key, StringComparison.Ordinal), "").AllPairs());
    }

    [Theory]
    [InlineData("\"id\":\"1@lid\",\"phoneNumber\":\"12025550101@s.whatsapp.net\"")]
    [InlineData("\"id\":\"12025550101@s.whatsapp.net\",\"lid\":\"1@lid\"")]
    [InlineData("\"id\":\"1@lid\",\"jid\":\"12025550101@s.whatsapp.net\",\"lid\":\"1@lid\"")]
    [InlineData("\"id\":\"12025550101@s.whatsapp.net\",\"jid\":\"12025550101@s.whatsapp.net\",\"lid\":\"1@lid\"")]
    [InlineData("\"id\":\"1@lid\",\"pn\":\"12025550101@c.us\"")]
    [InlineData("\"jid\":\"1@lid\",\"phoneNumber\":\"12025550101\"")]
    [InlineData("\"JID\":\"1:3@lid\",\"PhoneNumber\":\"12025550101@s.whatsapp.net\",\"LID\":\"1@lid\"")]
    [InlineData("\"lid\":\"1@lid\",\"pn\":\"12025550101@s.whatsapp.net\"")]
    [InlineData("\"id\":{\"server\":\"lid\",\"user\":\"1\",\"_serialized\":\"1@lid\"},\"phoneNumber\":\"12025550101@s.whatsapp.net\"")]
    public void Row_of_a_person_names_both_JIDs(string row)
    {
        var text = System.Text.Json.JsonSerializer.Serialize($"{{{row}}}");
        Assert.Equal([Pair], Reading.Of("groups.metadata", """{"id":"$g","participants":[{<row>}]}""".Replace("<row>", row, StringComparison.Ordinal)).AllPairs());
        Assert.Equal([Pair], Reading.Of("group-participants.update", """{"id":"$g","action":"promote","participants":[{<row>}]}""".Replace("<row>", row, StringComparison.Ordinal)).AllPairs());
        Assert.Equal([Pair], Reading.OfMessage($"\"messageStubType\":27,\"messageStubParameters\":[{text}]").AllPairs());
        Assert.Equal([Pair], Reading.OfMessage($"\"messageStubType\":172,\"messageStubParameters\":[{text},\"created\",\"invite_link\"]").AllPairs());
        Assert.Equal([Pair], Reading.Of("contacts.update", $"[{{{row}}}]", "").AllPairs());
        Assert.Equal([Pair], Reading.Of("messaging-history.set", """{"contacts":[{<row>}]}""".Replace("<row>", row, StringComparison.Ordinal), "").AllPairs());
    }

    [Fact]
    public void Digits_of_a_LID_are_no_phone()
    {
        var seen = Reading.Of("group-participants.update", $$"""
            {"id":"{{Group}}","action":"add","participants":["999000000000001@lid"],"participantsData":[{"jid":"999000000000001@lid","phoneNumber":"999000000000001"}]}
            """);
        Assert.Empty(seen.AllPairs());
        Assert.Equal(["Add 0? 999000000000001@lid"], seen.Facts());
    }

    [Theory]
    [InlineData("chats.phoneNumberShare", "{\"lid\":\"1@lid\",\"jid\":\"12025550101@s.whatsapp.net\"}")]
    [InlineData("lid-mapping.update", "[{\"lid\":\"1@lid\",\"pn\":\"12025550101@s.whatsapp.net\"}]")]
    [InlineData("messaging-history.set", "{\"lidPnMappings\":[{\"lid\":\"1@lid\",\"pn\":\"12025550101@s.whatsapp.net\"}]}")]
    [InlineData("messaging-history.set", "{\"chats\":[{\"id\":\"1@lid\",\"pnJid\":\"12025550101@s.whatsapp.net\"}]}")]
    [InlineData("call", "[{\"chatId\":\"1@lid\",\"from\":\"1@lid\",\"callerPn\":\"12025550101@s.whatsapp.net\",\"date\":\"2026-03-01T09:00:00Z\",\"status\":\"ringing\"}]")]
    [InlineData("group.join-request", "{\"id\":\"120363000000000001@g.us\",\"participant\":\"1@lid\",\"participantPn\":\"12025550101@s.whatsapp.net\",\"action\":\"created\"}")]
    [InlineData("group.join-request", "{\"id\":\"120363000000000001@g.us\",\"participant\":\"2@lid\",\"author\":\"1@lid\",\"authorPn\":\"12025550101@s.whatsapp.net\",\"action\":\"rejected\"}")]
    [InlineData("group.member-tag.update", "{\"groupId\":\"120363000000000001@g.us\",\"participant\":\"1@lid\",\"participantAlt\":\"12025550101@s.whatsapp.net\",\"label\":\"x\"}")]
    [InlineData("group-participants.update", "{\"id\":\"120363000000000001@g.us\",\"author\":\"1@lid\",\"authorPn\":\"12025550101@s.whatsapp.net\",\"action\":\"add\",\"participants\":[\"2@lid\"]}")]
    [InlineData("groups.update", "{\"id\":\"120363000000000001@g.us\",\"author\":\"1@lid\",\"authorPn\":\"12025550101@s.whatsapp.net\",\"announce\":true}")]
    [InlineData("groups.metadata", "{\"id\":\"120363000000000001@g.us\",\"owner\":\"1@lid\",\"ownerPn\":\"12025550101@s.whatsapp.net\"}")]
    [InlineData("groups.metadata", "{\"id\":\"120363000000000001@g.us\",\"owner\":\"1@lid\",\"ownerJid\":\"12025550101@s.whatsapp.net\"}")]
    [InlineData("groups.metadata", "{\"id\":\"120363000000000001@g.us\",\"subjectOwner\":\"1@lid\",\"subjectOwnerPn\":\"12025550101@s.whatsapp.net\"}")]
    [InlineData("groups.metadata", "{\"id\":\"120363000000000001@g.us\",\"subjectOwner\":\"1@lid\",\"subjectOwnerJid\":\"12025550101@s.whatsapp.net\"}")]
    [InlineData("groups.metadata", "{\"id\":\"120363000000000001@g.us\",\"descOwner\":\"1@lid\",\"descOwnerPn\":\"12025550101@s.whatsapp.net\"}")]
    [InlineData("groups.metadata", "{\"id\":\"120363000000000001@g.us\",\"descOwner\":\"1@lid\",\"descOwnerJid\":\"12025550101@s.whatsapp.net\"}")]
    public void Pairs_are_learned_from_every_event_that_names_people(string type, string payload) =>
        Assert.Equal([Pair], Reading.Of(type, payload, "").AllPairs());

    [Fact]
    public void Past_participants_left_when_they_left()
    {
        var seen = Reading.Of("messaging-history.set", $$"""
            {"pastParticipants":[{"groupJid":"{{Group}}","pastParticipants":[
                {"userJid":"1@lid","leaveReason":0,"leaveTs":1772355600},{"userJid":"12025550102@s.whatsapp.net","leaveReason":"REMOVED","leaveTs":"1772352000"},
                {"userJid":"3@lid"}]}]}
            """, "");
        Assert.Equal(["Remove -3 1@lid", "Remove -4 12025550102@s.whatsapp.net"], seen.Facts());
        Assert.Equal(["no_person 1"], seen.Silent());
    }

    [Theory]
    [InlineData("messages.upsert", "{\"key\":{\"remoteJid\":\"120363000000000001@g.us\",\"participant\":\"1@lid\",\"participantUsername\":\"@ana.b\"}}")]
    [InlineData("messages.upsert", "{\"key\":{\"remoteJid\":\"1@lid\",\"remoteJidUsername\":\"ana.b\"}}")]
    [InlineData("messages.update", "[{\"key\":{\"remoteJid\":\"120363000000000001@g.us\",\"participant\":\"1@lid\",\"participantUsername\":\"ana.b\"},\"update\":{\"message\":null}}]")]
    [InlineData("groups.metadata", "{\"id\":\"120363000000000001@g.us\",\"participants\":[{\"id\":\"1@lid\",\"username\":\"ana.b\"}]}")]
    [InlineData("groups.metadata", "{\"id\":\"120363000000000001@g.us\",\"owner\":\"1@lid\",\"ownerUsername\":\"ana.b\"}")]
    [InlineData("groups.metadata", "{\"id\":\"120363000000000001@g.us\",\"subjectOwner\":\"1@lid\",\"subjectOwnerUsername\":\"ana.b\"}")]
    [InlineData("groups.metadata", "{\"id\":\"120363000000000001@g.us\",\"descOwner\":\"1@lid\",\"descOwnerUsername\":\"ana.b\"}")]
    [InlineData("groups.update", "{\"id\":\"120363000000000001@g.us\",\"announce\":true,\"author\":\"1@lid\",\"authorUsername\":\"ana.b\"}")]
    [InlineData("group-participants.update", "{\"id\":\"120363000000000001@g.us\",\"author\":\"1@lid\",\"authorUsername\":\"ana.b\",\"action\":\"remove\",\"participants\":[\"2@lid\"]}")]
    [InlineData("group-participants.update", "{\"id\":\"120363000000000001@g.us\",\"action\":\"remove\",\"participants\":[{\"id\":\"1@lid\",\"username\":\"ana.b\"}]}")]
    [InlineData("group.join-request", "{\"id\":\"120363000000000001@g.us\",\"author\":\"1@lid\",\"authorUsername\":\"ana.b\",\"participant\":\"2@lid\"}")]
    [InlineData("contacts.upsert", "[{\"id\":\"1@lid\",\"username\":\"ana.b\"}]")]
    [InlineData("messages.upsert", "{\"key\":{\"remoteJid\":\"120363000000000001@g.us\"},\"messageStubType\":27,\"messageStubParameters\":[\"{\\\"id\\\":\\\"1@lid\\\",\\\"username\\\":\\\"ana.b\\\"}\"]}")]
    public void Usernames_belong_to_the_person_beside_them(string type, string payload) => Assert.Equal(["1@lid ana.b"], Reading.Of(type, payload, "").Names());

    [Fact]
    public void Username_that_is_null_in_an_update_of_a_contact_was_given_up() =>
        Assert.Equal(["1@lid -"], Reading.Of("contacts.update", """[{"id":"1@lid","username":null}]""", "").Names());

    [Theory]
    [InlineData("messages.upsert", "{\"key\":{\"remoteJid\":\"120363000000000001@g.us\",\"participant\":\"12025550132@s.whatsapp.net\"},\"participant\":\"12025550132@s.whatsapp.net\",\"messageStubType\":33,\"messageStubParameters\":[\"12025550139@s.whatsapp.net\"]}")]
    [InlineData("messages.upsert", "{\"key\":{\"remoteJid\":\"120363000000000001@g.us\"},\"participant\":\"12025550132@c.us\",\"messageStubType\":\"GROUP_PARTICIPANT_CHANGE_NUMBER\",\"messageStubParameters\":[\"{\\\"id\\\":\\\"12025550139@s.whatsapp.net\\\"}\"]}")]
    [InlineData("group-participants.update", "{\"id\":\"120363000000000001@g.us\",\"author\":\"12025550132@s.whatsapp.net\",\"participants\":[\"12025550139@s.whatsapp.net\"],\"action\":\"modify\"}")]
    [InlineData("group-participants.update", "{\"id\":\"120363000000000001@g.us\",\"author\":\"12025550132@s.whatsapp.net\",\"participants\":[{\"id\":\"12025550139@s.whatsapp.net\"}],\"action\":\"modify\"}")]
    public void Changed_number_in_a_group_of_phones_is_that_and_nothing_else(string type, string payload)
    {
        var seen = Reading.Of(type, payload);
        var change = Assert.Single(seen.NumberChanges);
        Assert.Equal(("12025550132@s.whatsapp.net", "12025550139@s.whatsapp.net"), (change.OldPhone, change.NewPhone));
        Assert.Empty(seen.Facts);
        Assert.Empty(seen.Pairs);
        Assert.Empty(seen.Sightings);
    }

    [Theory]
    [InlineData("1@lid", "{\"id\":\"1@lid\",\"phoneNumber\":\"12025550139@s.whatsapp.net\"}")]
    [InlineData("1@lid", "\"12025550139@s.whatsapp.net\"")]
    public void Changed_number_of_a_LID_is_a_pair(string author, string person)
    {
        var seen = Reading.Of("group-participants.update", $$"""{"id":"{{Group}}","author":"{{author}}","participants":[{{person}}],"action":"modify"}""");
        Assert.Equal(["12025550139=1"], seen.AllPairs());
        Assert.Empty(seen.NumberChanges);
        Assert.Empty(seen.Facts);
    }

    [Fact]
    public void Changed_number_with_its_LID_is_both()
    {
        var seen = Reading.Of("group-participants.update", """
            {"id":"$g","author":"12025550132@s.whatsapp.net","participants":[{"id":"12025550139@s.whatsapp.net","lid":"1@lid"}],"action":"modify"}
            """);
        Assert.Equal(["12025550139=1"], seen.AllPairs());
        Assert.Equal(("12025550132@s.whatsapp.net", "12025550139@s.whatsapp.net"), (seen.NumberChanges[0].OldPhone, seen.NumberChanges[0].NewPhone));
        Assert.Empty(seen.Facts);
    }

    [Theory]
    [InlineData("13135550002@s.whatsapp.net")]
    [InlineData("867051314767696@bot")]
    [InlineData("0@c.us")]
    [InlineData("server@c.us")]
    [InlineData("status@broadcast")]
    [InlineData("120363@newsletter")]
    [InlineData("abc@lid")]
    public void Who_is_no_person_is_not_sighted(string jid)
    {
        Assert.Empty(Reading.Of("messages.upsert", $$"""{"key":{"remoteJid":"{{jid}}"},"pushName":"X"}""", "").Sightings);
        Assert.Empty(Reading.Of("messages.upsert", $$"""{"key":{"remoteJid":"{{Group}}","participant":"{{jid}}"},"pushName":"X"}""").Sightings);
        Assert.Empty(Reading.Of("group-participants.update", $$"""{"id":"{{Group}}","action":"add","participants":["{{jid}}"]}""").Facts);
    }

    [Fact]
    public void Answer_to_an_event_is_the_act_of_who_answers()
    {
        var seen = Reading.Of("messages.update", """
            [{"key":{"remoteJid":"$g","id":"E","participant":"9@lid"},"update":{"eventResponses":[
                {"eventResponseMessageKey":{"remoteJid":"$g","id":"A","participant":"1@lid","participantAlt":"<Phone>"},"senderTimestampMs":1772355600000,
                 "response":{"response":"GOING","timestampMs":1772355600000}}]}}]
            """.Replace("<Phone>", Phone, StringComparison.Ordinal));
        Assert.Equal(["1@lid -3"], seen.Seen());
        Assert.Equal([Pair], seen.AllPairs());
    }

    [Fact]
    public void Vote_in_a_poll_is_the_act_of_who_votes()
    {
        var seen = Reading.Of("messages.update", """
            {"key":{"remoteJid":"$g","id":"P","participant":"9@lid"},"update":{"pollUpdates":[
                {"pollUpdateMessageKey":{"remoteJid":"$g","participant":"1@lid"},"senderTimestampMs":"1772355600000"}]}}
            """);
        Assert.Equal(["1@lid -3"], seen.Seen());
    }

    [Fact]
    public void Delivery_is_nobodys_act_and_reading_is_the_readers()
    {
        var key = $$"""{"remoteJid":"{{Group}}","id":"M","fromMe":true,"participant":"1@lid"}""";
        var seen = Reading.Of("message-receipt.update", """
            [{"key":<key>,"receipt":{"userJid":"1@lid","receiptTimestamp":1772352000}},{"key":<key>,"receipt":{"userJid":"1@lid","readTimestamp":1772355600}}]
            """.Replace("<key>", key, StringComparison.Ordinal));
        Assert.Equal(["1@lid -3"], seen.Seen());
        Assert.Empty(Reading.Of("messages.update", """[{"key":{"remoteJid":"$g","participant":"9@lid"},"update":{"status":3}}]""").Sightings);
    }

    [Fact]
    public void No_name_stands_twice_in_a_group_of_the_table() =>
        Assert.All(PersonNames.All, static names => Assert.Equal(names.Jids.Distinct(StringComparer.Ordinal), names.Jids));
}
