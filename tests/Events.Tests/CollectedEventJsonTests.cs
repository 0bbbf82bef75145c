using System.Buffers;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using FsCheck;
using FsCheck.Fluent;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using WhatsAppMesh.Events.V1;

namespace WhatsAppMesh.Events.Tests;

public class CollectedEventJsonTests
{
    public static TheoryData<CollectedEvent> Events() => new(
        new CollectedEvent(),
        Full(),
        With(e => e.PayloadJson = ""),
        With(e => (e.PayloadJson, e.PayloadInLake) = ("", true)),
        With(e => e.Imported = true),
        With(e => e.PayloadJson = "{\"t\":\"<&>'+\\u2028\u2028\u00e9👍\\\\ \\\"\"}"),
        With(e => e.Type = "line\nfeed\t\u0001"),
        With(e => e.OccurredAt = new Timestamp { Seconds = 1717243200, Nanos = 123_456_000 }),
        With(e => e.OccurredAt = new Timestamp { Seconds = 1717243200, Nanos = 5_000_000 }),
        With(e => e.OccurredAt = new Timestamp { Seconds = 1717243200, Nanos = 100 }),
        With(e => (e.Position, e.Log) = (long.MaxValue, int.MaxValue)));

    [Theory]
    [MemberData(nameof(Events))]
    public void Written_json_is_what_the_protobuf_formatter_writes(CollectedEvent value)
    {
        var ours = Write(value);
        Assert.True(JsonNode.DeepEquals(JsonNode.Parse(JsonFormatter.Default.Format(value)), JsonNode.Parse(ours)), Encoding.UTF8.GetString(ours));
    }

    [Theory]
    [MemberData(nameof(Events))]
    public void Each_codec_reads_what_the_other_wrote(CollectedEvent value)
    {
        Assert.Equal(value, CollectedEventJson.Parse(Write(value)));
        Assert.Equal(value, CollectedEventJson.Parse(Encoding.UTF8.GetBytes(JsonFormatter.Default.Format(value))));
        Assert.Equal(value, JsonParser.Default.Parse<CollectedEvent>(Encoding.UTF8.GetString(Write(value))));
    }

    [Fact]
    public void Any_text_survives_the_round_trip() => Check.QuickThrowOnFailure(Prop.ForAll<UnicodeString, UnicodeString>((type, payload) =>
    {
        var value = With(e => (e.Type, e.PayloadJson) = (Valid(type), Valid(payload)));
        return CollectedEventJson.Parse(Write(value)).Equals(value)
            && JsonParser.Default.Parse<CollectedEvent>(Encoding.UTF8.GetString(Write(value))).Equals(value);
    }));

    [Fact]
    public void Payload_bytes_are_written_like_the_payload_string()
    {
        var value = Full();
        var buffer = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(buffer, CollectedEventJson.WriterOptions))
            CollectedEventJson.Write(writer, With(e => e.PayloadJson = ""), Encoding.UTF8.GetBytes(value.PayloadJson));
        Assert.Equal(value, CollectedEventJson.Parse(buffer.WrittenSpan));
    }

    [Fact]
    public void Quotes_of_the_payload_cost_two_bytes_not_six() =>
        Assert.Contains("\"payloadJson\":\"{\\\"a\\\":\\\"<é>\\\"}\"", Encoding.UTF8.GetString(Write(With(e => e.PayloadJson = "{\"a\":\"<é>\"}"))), StringComparison.Ordinal);

    [Fact]
    public void Reading_takes_what_a_sidecar_may_make_of_it()
    {
        var read = CollectedEventJson.Parse("""
            {"unknown":{"a":[1]},"type":"t","tenant":null,"revision":"2","position":7,"log":1.0,"receivedAt":"2024-06-01T09:00:00-03:00",
             "occurredAt":null,"event_id":"e","payload_in_lake":true}
            """u8);
        Assert.Equal(7, read.Position);
        Assert.Equal(1, read.Log);
        Assert.Equal(2, read.Revision);
        Assert.Equal("e", read.EventId);
        Assert.Equal("", read.Tenant);
        Assert.Null(read.OccurredAt);
        Assert.True(read.PayloadInLake);
        Assert.Equal(1717243200, read.ReceivedAt.Seconds);
    }

    [Theory]
    [InlineData("")]
    [InlineData("[]")]
    [InlineData("{\"position\":\"seven\"}")]
    [InlineData("{\"position\":[7]}")]
    [InlineData("{\"log\":99999999999}")]
    [InlineData("{\"tenant\":1}")]
    [InlineData("{\"payloadInLake\":\"true\"}")]
    [InlineData("{\"imported\":1}")]
    [InlineData("{\"receivedAt\":\"yesterday\"}")]
    [InlineData("{} {}")]
    [InlineData("{\"tenant\":\"a\"")]
    public void What_is_no_event_is_refused(string json) =>
        Assert.ThrowsAny<JsonException>(() => CollectedEventJson.Parse(Encoding.UTF8.GetBytes(json)));

    // Protobuf strings hold no lone surrogates.
    private static string Valid(UnicodeString text) => Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(text.Get));

    private static CollectedEvent Full() => With(_ => { });

    private static CollectedEvent With(Action<CollectedEvent> change)
    {
        var value = new CollectedEvent
        {
            Log = 1,
            Position = 42,
            Tenant = "acme",
            Source = "wpp-tui",
            EventId = "377a14be-f301-532d-8efb-adfe5b0fcfd5",
            Revision = 1,
            Type = "messages.upsert",
            ChatJid = "120363000000000001@g.us",
            ParticipantJid = "999000000000003@lid",
            ParticipantAlt = "12025550103@s.whatsapp.net",
            OccurredAt = new Timestamp { Seconds = 1717243200 },
            OccurredAtSource = "messageTimestamp",
            ReceivedAt = new Timestamp { Seconds = 1717243201, Nanos = 250_000_000 },
            PayloadJson = "{\"key\":{\"id\":\"3EB0\"}}",
        };
        change(value);
        return value;
    }

    private static byte[] Write(CollectedEvent value)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(buffer, CollectedEventJson.WriterOptions))
            CollectedEventJson.Write(writer, value);
        return buffer.WrittenSpan.ToArray();
    }
}
