using System.Text;
using WhatsAppMesh.Events;

namespace WhatsAppMesh.Ingest.Tests;

/// <summary>What the doors beside the collectors' make of a request; they are pure.</summary>
public class WebhookDoorTests
{
    private static readonly DateTimeOffset ReceivedAt = new(2024, 6, 1, 13, 0, 0, TimeSpan.Zero);

    [Theory]
    [InlineData("h1", """{"idempotency_key":"k1","messageId":"k2"}""", "h1")]
    [InlineData(null, """{"idempotency_key":"k1","messageId":"k2"}""", "k1")]
    [InlineData(null, """{"idempotency_key":" ","messageId":"k2"}""", "k2")]
    [InlineData(null, """{"messageId":42,"data":{"messageId":"k3"}}""", "42")]
    [InlineData(null, """{"data":{"messageId":"k3","idempotency_key":"k4"}}""", "k3")]
    [InlineData(null, """{"data":{"idempotency_key":"k4"}}""", "k4")]
    [InlineData(null, """{"data":[{"idempotency_key":"k4"}],"idempotency_key":{"x":1}}""", null)]
    [InlineData(null, """[1]""", null)]
    public void A_trigger_takes_the_first_idempotency_key_there_is(string? header, string body, string? key)
    {
        var item = Single(TriggerDoor.Instance, body, route: "t1", key: header);
        Assert.Equal("trigger.fired", item.Type);
        Assert.Equal($$"""{"trigger_id":"t1","body":{{body}}}""", Text(item));
        Assert.Equal("received_at", item.Occurred.Source);
        if (key is null)
            Assert.NotEqual(item.EventId, Single(TriggerDoor.Instance, body, route: "t1").EventId);
        else
            Assert.Equal(DerivedId.Of($"trigger|t1|{key}"), item.EventId);
    }

    [Fact]
    public void A_keyless_trigger_gets_a_fresh_version_7_id() => Assert.Equal(7, Single(TriggerDoor.Instance, "{}", route: "t1").EventId.Version);

    [Theory]
    [InlineData("k", """{"stage_id":"s1","occurred_at":"2024-06-01T12:00:00Z"}""", "lead|acme|l1|k")]
    [InlineData(null, """{"stage_id":"s1","occurred_at":"2024-06-01T12:00:00Z"}""", "lead|acme|l1|s1|2024-06-01T12:00:00Z")]
    [InlineData(null, """{"stage_id":7,"occurred_at":1717243200}""", "lead|acme|l1|7|1717243200")]
    [InlineData(null, """{"stage_id":7,"occurred_at":{"low":1717243200,"high":0,"unsigned":true}}""", "lead|acme|l1|7|1717243200")]
    public void A_lead_event_is_known_by_its_key_or_by_stage_and_time(string? key, string body, string name)
    {
        var item = Single(LeadDoor.Instance, body, route: "l1", key: key);
        Assert.Equal(DerivedId.Of(name), item.EventId);
        Assert.Equal($$"""{"lead_id":"l1","body":{{body}}}""", Text(item));
        Assert.Equal(new Occurrence(new DateTimeOffset(2024, 6, 1, 12, 0, 0, TimeSpan.Zero), "occurred_at"), item.Occurred);
    }

    [Fact]
    public void A_lead_event_without_key_and_time_is_refused()
    {
        var refusal = Read(LeadDoor.Instance, """{"stage_id":"s1"}""", route: "l1").Refusal!;
        Assert.Equal((400, "idempotency_key_required"), (refusal.Status, refusal.Code));
    }

    [Theory]
    [InlineData("{}", "stage_id")]
    [InlineData("[]", "body")]
    [InlineData("x", "body")]
    [InlineData("""{"stage_id":{},"phone":1.5,"name":[],"occurred_at":"soon","attributes":[]}""", "stage_id,phone,name,occurred_at,attributes")]
    [InlineData("""{"stage_id":"s","occurred_at":null,"phone":null,"name":null,"attributes":null}""", null)]
    [InlineData("""{"stage_id":"s","phone":12025550129}""", null)]
    [InlineData("""{"stage_id":"s","phone":12025550129.0}""", null)]
    [InlineData("""{"stage_id":"s","phone":1.2025550129e10}""", null)]
    [InlineData("""{"stage_id":"s","phone":-12025550129}""", "phone")]
    [InlineData("""{"stage_id":"s","phone":1e999}""", "phone")]
    [InlineData("""{"stage_id":"s","phone":true}""", "phone")]
    public void A_bad_lead_body_names_every_field(string body, string? fields)
    {
        var refusal = Read(LeadDoor.Instance, body, route: "l1", key: "k").Refusal;
        Assert.Equal(fields, refusal is null ? null : string.Join(',', refusal.Errors!.Keys));
        Assert.True(refusal is null or { Status: 422, Code: "invalid_body" });
    }

    [Fact]
    public void A_broker_envelope_is_stored_raw_under_its_type()
    {
        var body = File.ReadAllText(SharedFiles.Payload("51_broker_message_inbound.json"));
        var item = Single(BrokerDoor.Instance, body);
        Assert.Equal("broker.message_inbound", item.Type);
        Assert.Equal(DerivedId.Of("broker|acme|broker.message_inbound|wamid-123"), item.EventId);
        Assert.Equal(body.Trim(), Text(item));
        Assert.Equal(new Occurrence(new DateTimeOffset(2024, 6, 1, 12, 0, 0, TimeSpan.Zero), "timestamp"), item.Occurred);
    }

    [Theory]
    [InlineData("52_broker_raw_upsert_group_mix.json")]
    [InlineData("53_broker_raw_upsert_only_in_raw_json_string.json")]
    public void A_raw_upsert_of_a_broker_is_one_event(string file) =>
        Assert.Equal("broker.whatsapp_messages_upsert", Single(BrokerDoor.Instance, File.ReadAllText(SharedFiles.Payload(file))).Type);

    [Theory]
    [InlineData("""{"type":"A","id":"1"}""", 1)]
    [InlineData("""[{"type":"A","id":"1"},{"event":"B","id":"2"}]""", 2)]
    [InlineData("""{"events":[{"type":"A"},{"type":"B"},null,7,"x",[]]}""", 2)]
    [InlineData("""{"body":{"events":[{"body":{"type":"A"}},{"type":"B"}]}}""", 2)]
    [InlineData("""[{"body":{"type":"A"}}]""", 1)]
    [InlineData("[]", 0)]
    [InlineData("""{"events":[]}""", 0)]
    [InlineData("null", 0)]
    [InlineData("7", 0)]
    public void A_broker_request_is_unwrapped_into_its_items(string body, int events) => Assert.Equal(events, Read(BrokerDoor.Instance, body).Events.Length);

    [Fact]
    public void A_broker_request_holds_at_most_a_thousand_items_and_few_such_requests_fill_a_commit()
    {
        static string Body(int items) => $"[{string.Join(',', Enumerable.Repeat("{}", items))}]";
        var most = Read(BrokerDoor.Instance, Body(1_000)).Events;
        Assert.Equal(1_000, most.Length);
        Assert.True(5 * LakeStore.WeightOf(most) >= new IngestOptions().MaxBatchBytes);
        var refusal = Read(BrokerDoor.Instance, Body(1_001)).Refusal!;
        Assert.Equal((422, "invalid_body", "events"), (refusal.Status, refusal.Code, Assert.Single(refusal.Errors!.Keys)));
    }

    [Fact]
    public void A_broker_item_keeps_its_uuid_and_gets_a_fresh_one_without_id()
    {
        var uuid = Guid.NewGuid();
        Assert.Equal(uuid, Single(BrokerDoor.Instance, $$"""{"type":"A","id":"{{uuid}}"}""").EventId);
        Assert.NotEqual(Single(BrokerDoor.Instance, """{"type":"A"}""").EventId, Single(BrokerDoor.Instance, """{"type":"A"}""").EventId);
        Assert.Equal("broker.unknown", Single(BrokerDoor.Instance, """{"id":"1"}""").Type);
        Assert.Equal("broker.unknown", Single(BrokerDoor.Instance, $$"""{"type":"{{new string('a', 94)}}"}""").Type);
    }

    [Fact]
    public void A_waha_event_is_stored_raw_under_an_id_that_its_retries_share()
    {
        var body = File.ReadAllText(SharedFiles.Payload("59_waha_message.json"));
        var item = Single(WahaDoor.Instance, body);
        Assert.Equal("waha.message", item.Type);
        Assert.Equal(DerivedId.Of("waha|acme|default|evt_01hzsyn0000000000000000001"), item.EventId);
        Assert.Equal(body, Text(item));
        Assert.Equal(new Occurrence(new DateTimeOffset(2024, 6, 1, 12, 0, 0, TimeSpan.Zero), "payload.timestamp"), item.Occurred);
    }

    [Fact]
    public void A_waha_event_without_an_id_is_known_by_its_message()
    {
        static Guid IdOf(string json) => Single(WahaDoor.Instance, json).EventId;
        const string message = """{"event":"message","session":"s","payload":{"id":"false_1@g.us_A"}}""";
        Assert.Equal(IdOf(message), IdOf(message.Replace("}}", ",\"ack\":1}}", StringComparison.Ordinal)));
        Assert.NotEqual(IdOf(message), IdOf(message.Replace("\"s\"", "\"t\"", StringComparison.Ordinal)));
        Assert.NotEqual(IdOf(message), IdOf(message.Replace("\"message\"", "\"message.ack\"", StringComparison.Ordinal)));
        Assert.NotEqual(IdOf("""{"event":"x"}"""), IdOf("""{"event":"x"}"""));
    }

    [Theory]
    [InlineData("[]")]
    [InlineData("nonsense")]
    [InlineData("")]
    public void What_is_no_waha_event_is_refused(string body) => Assert.Equal("invalid_body", Read(WahaDoor.Instance, body).Refusal!.Code);

    [Fact]
    public void A_depth_bomb_is_refused_at_every_door()
    {
        var bomb = new string('[', 20_000);
        foreach (var door in new[] { TriggerDoor.Instance, LeadDoor.Instance, BrokerDoor.Instance, WahaDoor.Instance, EvolutionDoor.Instance })
            Assert.Equal(422, Read(door, bomb, route: "x").Refusal!.Status);
    }

    private static NewEvent Single(Door door, string body, string? route = null, string? key = null) => Assert.Single(Read(door, body, route, key).Events);

    private static DoorReading Read(Door door, string body, string? route = null, string? key = null) =>
        door.Read(new DoorRequest("acme", "broker", null, route, key, Encoding.UTF8.GetBytes(body), ReceivedAt, null));

    private static string Text(NewEvent item) => Encoding.UTF8.GetString(item.Payload.Span);
}
