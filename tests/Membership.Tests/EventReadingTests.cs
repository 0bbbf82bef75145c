using System.Text.Json.Nodes;
using WhatsAppMesh.Deliveries;
using WhatsAppMesh.Events.V1;
using WhatsAppMesh.Membership.Events;
using WhatsAppMesh.Membership.Facts;
using WhatsAppMesh.Membership.Tests.Driving;
using static WhatsAppMesh.Membership.Tests.Driving.Collector;

namespace WhatsAppMesh.Membership.Tests;

/// <summary>What is read out of events, in every form the wire has, and what is poison.</summary>
public sealed class EventReadingTests
{
    private readonly Collector _collector = new();

    private Observations Read(string type, string payload, string chat = GroupJid) => EventReaders.Read([_collector.Event(type, JsonNode.Parse(payload)!, null, chat)]);

    [Theory]
    [InlineData("\"999000000000001@lid\"")]
    [InlineData("\"999000000000001:12@lid\"")]
    [InlineData("""{"id":"999000000000001@lid"}""")]
    [InlineData(""" "{\"id\":\"999000000000001@lid\",\"admin\":null}" """)]
    [InlineData("""{"id":"","lid":"999000000000001@lid"}""")]
    public void People_come_as_texts_objects_and_objects_in_texts(string person)
    {
        var seen = Read("group-participants.update", $$"""{"id":"{{GroupJid}}","action":"add","participants":[{{person}}]}""");
        Assert.Equal("999000000000001@lid", Assert.Single(Assert.Single(seen.Facts).Fact.Entries).Lid);
        Assert.Equal(0, seen.Skipped);
    }

    [Fact]
    public void Rows_that_name_nobody_are_skipped_and_counted()
    {
        var seen = Read("group-participants.update", $$"""{"id":"{{GroupJid}}","action":"add","participants":[7,null,"x",{},{"id":"{{GroupJid}}"},"{broken","1@lid"]}""");
        Assert.Equal("1@lid", Assert.Single(Assert.Single(seen.Facts).Fact.Entries).Lid);
        Assert.Equal(6, seen.Skipped);
    }

    [Theory]
    [InlineData("27", FactKind.Add)]
    [InlineData("\"GROUP_PARTICIPANT_ADD\"", FactKind.Add)]
    [InlineData("31", FactKind.Add)]
    [InlineData("\"GROUP_PARTICIPANT_INVITE\"", FactKind.Add)]
    [InlineData("71", FactKind.Add)]
    [InlineData("28", FactKind.Remove)]
    [InlineData("32", FactKind.Remove)]
    [InlineData("\"GROUP_PARTICIPANT_LEAVE\"", FactKind.Remove)]
    [InlineData("29", FactKind.Promote)]
    [InlineData("30", FactKind.Demote)]
    public void Stub_types_are_numbers_or_names(string type, FactKind kind)
    {
        var seen = Read("messages.upsert", $$"""{"key":{"remoteJid":"{{GroupJid}}"},"messageStubType":{{type}},"messageStubParameters":["1@lid"]}""");
        Assert.Equal(kind, Assert.Single(seen.Facts).Fact.Kind);
    }

    [Theory]
    [InlineData("2")]
    [InlineData("\"CIPHERTEXT\"")]
    [InlineData("33")]
    public void Other_stubs_say_nothing_about_the_roster(string type)
    {
        var seen = Read("messages.upsert", $$"""{"key":{"remoteJid":"{{GroupJid}}"},"messageStubType":{{type}},"messageStubParameters":["1@lid"]}""");
        Assert.Empty(seen.Facts);
    }

    [Theory]
    [InlineData("21", "New name", GroupField.Subject, "New name")]
    [InlineData("24", "New text", GroupField.Description, "New text")]
    [InlineData("25", "on", GroupField.Restrict, "true")]
    [InlineData("26", "off", GroupField.Announce, "false")]
    public void Stubs_change_fields_of_the_group_at_the_servers_time(string type, string parameter, GroupField field, string value)
    {
        var message = JsonNode.Parse($$"""{"key":{"remoteJid":"{{GroupJid}}"},"messageStubType":{{type}},"messageStubParameters":["{{parameter}}"]}""")!;
        var seen = EventReaders.Read([_collector.Event("messages.upsert", message, Noon.AddHours(-3))]);
        var read = Assert.Single(seen.FieldChanges).Change;
        Assert.Equal((field, value, Noon.AddHours(-3), false), (read.Field, read.Value, read.Key.OrderAt, read.IsUntimed));
    }

    [Fact]
    public void Untimed_facts_are_shown_at_reception_and_ordered_before_it()
    {
        var fact = Assert.Single(EventReaders.Read([_collector.Update("add", Person(Lid(1)))]).Facts).Fact;
        Assert.Equal((Noon, Noon.AddMinutes(-15), true), (fact.At, fact.Key.OrderAt, fact.IsUntimed));
    }

    [Fact]
    public void Messages_in_a_list_are_read_one_by_one()
    {
        var seen = Read("messages.upsert", $$"""{"type":"append","messages":[{"key":{"remoteJid":"{{GroupJid}}","participant":"1@lid"} },{"key":{"remoteJid":"{{GroupJid}}","participant":"2@lid"} }]}""");
        Assert.Equal(["1@lid", "2@lid"], seen.Sightings.Select(static sighting => sighting.Person.Jid));
    }

    [Fact]
    public void Sender_of_the_first_collector_generation_is_in_the_envelope()
    {
        var message = _collector.Event("messages.upsert", JsonNode.Parse($$"""{"key":{"remoteJid":"{{GroupJid}}"} }""")!);
        (message.ParticipantJid, message.ParticipantAlt) = ("1@lid", "12025550101@s.whatsapp.net");
        var seen = EventReaders.Read([message]);
        Assert.Equal("1@lid", Assert.Single(seen.Sightings).Person.Jid);
        Assert.Equal(("12025550101@s.whatsapp.net", "1@lid"), (seen.Pairs[0].Phone, seen.Pairs[0].Lid));
    }

    [Fact]
    public void Second_JID_of_the_envelope_is_not_given_to_somebody_else()
    {
        var reaction = _collector.Event("messages.reaction", JsonNode.Parse($$"""{"key":{"remoteJid":"{{GroupJid}}"},"reaction":{"key":{"participant":"2@lid"},"text":"x"} }""")!);
        (reaction.ParticipantJid, reaction.ParticipantAlt) = ("1@lid", "12025550101@s.whatsapp.net");
        Assert.Empty(EventReaders.Read([reaction]).Pairs);
    }

    [Fact]
    public void Field_from_the_future_counts_as_five_minutes_ahead()
    {
        var change = Assert.Single(Read("groups.update", $$"""{"id":"{{GroupJid}}","subject":"x","subjectTime":4102444800}""").FieldChanges);
        Assert.Equal(Noon.AddMinutes(5), change.Change.Key.OrderAt);
        var group = Assert.Single(Read("groups.metadata", $$"""{"id":"{{GroupJid}}","subject":"x","subjectTime":4102444800}""").Groups);
        Assert.Equal(Noon.AddMinutes(5), Assert.Single(group.Fields).Version.At);
    }

    [Fact]
    public void Empty_list_says_nothing()
    {
        var seen = Read("groups.update", "[]");
        Assert.Equal((0, 0), (seen.Facts.Count, seen.Skipped));
    }

    [Theory]
    [InlineData("lid-mapping.update", """{"lid":"1@lid","pn":"12025550101@s.whatsapp.net"}""")]
    [InlineData("contacts.upsert", """[{"id":"1@lid","phoneNumber":"12025550101@s.whatsapp.net"},{"id":"120363000000000001@g.us"}]""")]
    [InlineData("contacts.update", """[{"id":"12025550101@s.whatsapp.net","lid":"1@lid"}]""")]
    public void Pairs_come_from_mappings_and_contacts_too(string type, string payload)
    {
        var pair = Assert.Single(Read(type, payload, "").Pairs);
        Assert.Equal(("12025550101@s.whatsapp.net", "1@lid"), (pair.Phone, pair.Lid));
    }

    [Theory]
    [InlineData("groups.metadata", """{"id":"120363000000000001@g.us","participants":"nobody"}""", GroupJid)]
    [InlineData("groups.metadata", """{"id":"120363000000000001@g.us","participants":{"0":"1@lid"}}""", GroupJid)]
    [InlineData("groups.metadata", """{"subject":"no id"}""", "")]
    [InlineData("groups.update", "[1,2]", GroupJid)]
    [InlineData("group-participants.update", """{"action":"add","participants":["1@lid"]}""", "12025550101@s.whatsapp.net")]
    [InlineData("member.joined", """{"evidence":{"log":1}}""", GroupJid)]
    [InlineData("identity.linked", """{"lid":"1@lid"}""", "")]
    public void Event_that_can_never_be_understood_is_poison(string type, string payload, string chat) =>
        Assert.Throws<PoisonException>(() => Read(type, payload, chat));

    [Theory]
    [InlineData("")]
    [InlineData("{")]
    [InlineData("7")]
    [InlineData("\"text\"")]
    public void Payload_that_is_no_object_and_no_list_is_poison_and_is_not_quoted(string payload)
    {
        var source = new CollectedEvent(_collector.Snapshot()) { PayloadJson = payload };
        var poison = Assert.Throws<PoisonException>(() => EventReaders.Read([source]));
        Assert.StartsWith("the payload", poison.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("messages.upsert", """{"key":{"remoteJid":7,"participant":{}},"pushName":[],"messageStubType":{"a":1},"messageStubParameters":{}}""")]
    [InlineData("messages.upsert", """{"key":"none"}""")]
    [InlineData("messages.reaction", """{"reaction":null}""")]
    [InlineData("messages.update", """{"update":1}""")]
    [InlineData("groups.update", """{"id":"120363000000000001@g.us","subject":7,"announce":"yes","creation":"soon","participants":null}""")]
    [InlineData("group-participants.update", """{"id":"120363000000000001@g.us","action":"dance","participants":["1@lid"]}""")]
    [InlineData("group.join-request", """{"id":"120363000000000001@g.us","participant":5}""")]
    public void Fields_of_wrong_kinds_are_nothing_and_no_poison(string type, string payload)
    {
        var seen = Read(type, payload);
        Assert.Empty(seen.Facts);
        Assert.All(seen.Groups, static group => Assert.Empty(group.Fields));
    }
}
