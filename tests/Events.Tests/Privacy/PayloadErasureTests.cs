using System.Text.Json;
using System.Text.Json.Nodes;
using static WhatsAppMesh.Events.Tests.PersonSamples;

namespace WhatsAppMesh.Events.Tests;

public sealed class PayloadErasureTests
{
    private readonly Person _person = new(Guid.NewGuid(), [Jid.Parse(Lid), Jid.Parse(Phone)], [Username]);

    [Fact]
    public void No_field_that_can_hold_a_person_holds_an_erased_one()
    {
        foreach (var payload in All())
        {
            var erased = PayloadErasure.Erase(payload, _person);
            Assert.True(erased is not null, payload);
            Assert.DoesNotMatch(Gone, Plain(erased!));
            Assert.Null(PayloadErasure.Erase(erased, _person));
        }
    }

    [Fact]
    public void A_username_that_nobody_named_goes_where_an_id_stands_beside_it_and_is_learned_from_there()
    {
        var person = new Person(Guid.NewGuid(), [Jid.Parse(Lid), Jid.Parse(Phone)]);
        foreach (var (username, id) in UsernameFields)
        {
            var payload = $$"""{"{{username}}":"{{Username}}","{{id}}":"{{Phone}}"}""";
            Assert.Equal([Username], PayloadErasure.UsernamesIn(payload, person));
            Assert.DoesNotContain(Username, PayloadErasure.Erase(payload, person), StringComparison.Ordinal);
        }
        // Of two people in one object each keeps what is theirs.
        const string Two = $$"""{"id":"{{Group}}","owner":"{{OtherLid}}","ownerUsername":"bia","author":"{{Lid}}","authorUsername":"ana"}""";
        Assert.Equal(["ana"], PayloadErasure.UsernamesIn(Two, person));
        Assert.Contains("bia", PayloadErasure.Erase(Two, person), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData($$"""{"key":{"remoteJid":"{{Group}}","participant":"{{OtherLid}}"},"pushName":"KEEP","message":{"conversation":"KEEP","contextInfo":{"participant":"{{Lid}}"} } }""", 2)]
    [InlineData($$"""{"key":{"participant":"{{Lid}}"},"reaction":{"key":{"participant":"{{OtherLid}}"},"text":"KEEP"} }""", 1)]
    [InlineData($$"""{"key":{"participant":"{{OtherLid}}"},"message":{"reactionMessage":{"key":{"participant":"{{Lid}}"},"text":"KEEP"} } }""", 1)]
    [InlineData($$"""{"id":"{{Group}}","owner":"{{Lid}}","subject":"KEEP","name":"KEEP","desc":"KEEP"}""", 3)]
    [InlineData($$"""{"JID":"{{Group}}","Sender":"{{Lid}}","Name":{"Name":"KEEP","NameSetBy":"{{Lid}}"},"Topic":{"Topic":"KEEP","TopicSetBy":"{{Lid}}"} }""", 2)]
    [InlineData($$"""{"event":"x","sender":"{{Phone}}","data":{"key":{"remoteJid":"{{Group}}","participant":"{{OtherLid}}"},"pushName":"KEEP","message":{"conversation":"KEEP"} } }""", 2)]
    [InlineData($$"""{"payload":{"participant":"{{OtherPhone}}","body":"KEEP","replyTo":{"participant":"{{Phone}}","body":"x"} } }""", 1)]
    [InlineData($$"""{"participants":[{"id":"{{Lid}}"},{"id":"{{OtherLid}}","name":"KEEP","username":"KEEP"}]}""", 2)]
    [InlineData($$"""{"from":"{{OtherPhone}}","text":"KEEP 120255501039 ana.souza_77 and ana.souza_7x, not @{{Username}}"}""", 1)]
    [InlineData($$"""{"lead_id":"7","body":{"stage_id":"KEEP","phone":"{{Phone}}"} }""", 1)]
    [InlineData($$"""{"key":{"participant":"{{Lid}}"},"message":{"protocolMessage":{"type":"EPHEMERAL_SETTING","ephemeralExpiration":86400,"x":"KEEP not"} } }""", 0)]
    [InlineData($$"""{"key":{"participant":"{{OtherLid}}","participantAlt":"{{Phone}}"},"pushName":"KEEP","message":{"conversation":"KEEP"} }""", 2)]
    [InlineData($$"""{"participants":[{"id":"{{OtherLid}}","phoneNumber":"{{Phone}}","name":"KEEP"},{"id":"{{Lid}}","phoneNumber":"{{Phone}}","name":"x"}]}""", 1)]
    public void What_is_somebody_elses_stays(string payload, int kept)
    {
        var erased = PayloadErasure.Erase(payload, _person)!;
        Assert.DoesNotMatch(Gone, Plain(erased).Replace("ana.souza_77", "", StringComparison.Ordinal).Replace("ana.souza_7x", "", StringComparison.Ordinal));
        Assert.Equal(kept, erased.Split("KEEP").Length - 1);
    }

    [Fact]
    public void A_timer_and_a_label_told_in_a_message_stay_told()
    {
        Assert.Equal(
            """{"message":{"protocolMessage":{"type":3,"ephemeralExpiration":86400}}}""",
            PayloadErasure.Erase("""{"message":{"protocolMessage":{"type":3,"ephemeralExpiration":86400,"text":"x"}}}""", _person, isTheirs: true));
        Assert.Equal(
            """{"message":{"protocolMessage":{"type":30,"memberLabel":{"label":"","labelTimestamp":7}}}}""",
            PayloadErasure.Erase("""{"message":{"ephemeralMessage":{"message":{"protocolMessage":{"type":30,"memberLabel":{"label":"VIP","labelTimestamp":7}}}}}}""", _person, isTheirs: true));
    }

    // What a reader sees once every escape is read, those of JSON in a string too.
    private static string Plain(string json)
    {
        var texts = new List<string>();
        Collect(JsonNode.Parse(json), texts);
        return string.Join('\n', texts);
    }

    private static void Collect(JsonNode? node, List<string> texts)
    {
        if (node is JsonObject members)
        {
            foreach (var (name, value) in members)
            {
                texts.Add(name);
                Collect(value, texts);
            }
        }
        else if (node is JsonArray items)
        {
            foreach (var item in items)
                Collect(item, texts);
        }
        else if (node is not null)
        {
            texts.Add(node.ToString());
            try
            {
                if (node.GetValueKind() == JsonValueKind.String && JsonNode.Parse(node.GetValue<string>()) is JsonObject or JsonArray)
                    Collect(JsonNode.Parse(node.GetValue<string>()), texts);
            }
            catch (JsonException)
            {
                // A text that is no JSON.
            }
        }
    }
}
