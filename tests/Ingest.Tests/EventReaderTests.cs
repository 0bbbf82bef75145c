using System.Text;

namespace WhatsAppMesh.Ingest.Tests;

public class EventReaderTests
{
    [Theory]
    [InlineData("", "body: is not valid JSON (near byte 0)")]
    [InlineData("{", "body: is not valid JSON (near byte 1)")]
    [InlineData("[]", "body: must be a JSON object")]
    [InlineData("null", "body: must be a JSON object")]
    [InlineData("""{"type":"t","payload":{}} x""", "body: is not valid JSON (near byte 26)")]
    [InlineData("""{"type":"t","payload":{},}""", "body: is not valid JSON (near byte 25)")]
    [InlineData("{}", "payload: is required|type: is required")]
    [InlineData("""{"type":"","payload":null}""", "payload: must be an object or an array|type: must have 1 to 100 characters")]
    [InlineData("""{"type":null,"payload":"x"}""", "payload: must be an object or an array|type: must be a string")]
    [InlineData("""{"type":["t"],"payload":1e999999}""", "payload: must be an object or an array|type: must be a string")]
    [InlineData("""{"type":"t","chat_jid":7,"payload":{}}""", "chat_jid: must be a string")]
    [InlineData("""{"type":"t","chat_jid":{"a":[1]},"payload":{}}""", "chat_jid: must be a string")]
    [InlineData("""{"type":"t","type":"u","payload":{},"payload":[]}""", "payload: stands more than once|type: stands more than once")]
    public void Every_broken_rule_of_a_v2_body_is_named_at_once(string body, string errors) => Assert.Equal(errors, Errors(body, CollectorContract.V2));

    [Theory]
    [InlineData("""{"type":"t","payload":{}}""", "occurred_at: is required")]
    [InlineData("""{"type":"t","occurred_at":"yesterday","payload":{}}""", "occurred_at: must be an ISO 8601 time, or epoch seconds or milliseconds")]
    [InlineData("""{"type":"t","occurred_at":1e999999,"payload":{}}""", "occurred_at: must be an ISO 8601 time, or epoch seconds or milliseconds")]
    [InlineData("""{"type":"t","occurred_at":null,"payload":{}}""", "occurred_at: must be an ISO 8601 time, or epoch seconds or milliseconds")]
    [InlineData(
        """{"type":1,"group_jid":1,"participant_jid":1,"participant_alt":1,"occurred_at":true,"occurred_at_source":1,"payload":1}""",
        "group_jid: must be a string|occurred_at: must be an ISO 8601 time, or epoch seconds or milliseconds|occurred_at_source: must be a string"
        + "|participant_alt: must be a string|participant_jid: must be a string|payload: must be an object or an array|type: must be a string")]
    public void Every_broken_rule_of_a_v1_body_is_named_at_once(string body, string errors) => Assert.Equal(errors, Errors(body, CollectorContract.V1));

    [Fact]
    public void Lengths_are_counted_in_characters()
    {
        Assert.Equal("", Errors($$"""{"type":"{{string.Concat(Enumerable.Repeat("👍", 100))}}","payload":[]}""", CollectorContract.V2));
        Assert.Equal("type: must have 1 to 100 characters", Errors($$"""{"type":"{{new string('é', 101)}}","payload":[]}""", CollectorContract.V2));
        Assert.Equal("", Errors($$"""{"type":"t","chat_jid":"{{new string('1', 255)}}","payload":[]}""", CollectorContract.V2));
        Assert.Equal("chat_jid: must have at most 255 characters", Errors($$"""{"type":"t","chat_jid":"{{new string('1', 256)}}","payload":[]}""", CollectorContract.V2));
    }

    [Theory]
    [InlineData(20_000)]
    [InlineData(257)]
    public void A_depth_bomb_is_refused_in_words(int levels) =>
        Assert.Equal("body: is nested deeper than 257 levels", Errors(Nested(levels), CollectorContract.V2));

    [Fact]
    public void The_deepest_payload_allowed_is_read() =>
        Assert.Equal("", Errors(Nested(256), CollectorContract.V2));

    [Fact]
    public void The_payload_is_taken_byte_for_byte()
    {
        const string Payload = """{ "b" : 1.0,"a":[ 1e999999 , 12345678901234567890 ], "a":"\u00e9\/é", "x" : { } }""";
        var body = EventReader.Read(Encoding.UTF8.GetBytes(" {\"payload\" : " + Payload + " , \"type\":\"messages.upsert\",\"extra\":{\"type\":\"x\"}} "), CollectorContract.V2, new FieldErrors());
        Assert.Equal(Payload, Encoding.UTF8.GetString(body.Payload.Span));
        Assert.Equal("messages.upsert", body.Type);
        Assert.Null(body.ChatJid);
    }

    [Fact]
    public void A_v1_body_gives_every_column()
    {
        var errors = new FieldErrors();
        var body = EventReader.Read(File.ReadAllBytes(SharedFiles.Payload("01_ingest_v1_messages_upsert_text.json")), CollectorContract.V1, errors);
        Assert.True(errors.IsEmpty);
        Assert.Equal("120363000000000001@g.us", body.ChatJid);
        Assert.Equal("999000000000003@lid", body.ParticipantJid);
        Assert.Equal("12025550103@s.whatsapp.net", body.ParticipantAlt);
        Assert.Equal(DateTimeOffset.Parse("2024-06-01T12:00:00Z"), body.OccurredAt);
        Assert.Equal("message_timestamp", body.OccurredAtSource);
    }

    [Fact]
    public void Null_and_empty_jids_are_absent_ones()
    {
        var body = EventReader.Read("""{"type":"t","group_jid":null,"participant_jid":"","occurred_at":1717243200,"payload":[]}"""u8.ToArray(), CollectorContract.V1, new FieldErrors());
        Assert.Null(body.ChatJid);
        Assert.Null(body.ParticipantJid);
    }

    private static string Nested(int levels) => $"{{\"type\":\"t\",\"payload\":{new string('[', levels)}{new string(']', levels)}}}";

    private static string Errors(string body, CollectorContract contract)
    {
        var errors = new FieldErrors();
        EventReader.Read(Encoding.UTF8.GetBytes(body), contract, errors);
        return string.Join('|', errors.ByField.OrderBy(static field => field.Key, StringComparer.Ordinal).Select(static field => $"{field.Key}: {string.Join(", ", field.Value)}"));
    }
}
