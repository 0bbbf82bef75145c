using System.Text;
using System.Text.Json;
using WhatsAppMesh.Events;

namespace WhatsAppMesh.Ingest.Tests;

/// <summary>What names a trigger's delivery; pure.</summary>
public class TriggerKeyTests
{
    private static readonly DateTimeOffset ReceivedAt = new(2024, 6, 1, 13, 0, 0, TimeSpan.Zero);

    [Theory]
    [InlineData("h", "d", """{"id":"evt_1","idempotency_key":"k","messageId":"m"}""", "h")]
    [InlineData(null, "d", """{"id":"evt_1","idempotency_key":"k","messageId":"m"}""", "d")]
    [InlineData(null, null, """{"id":"evt_1","idempotency_key":"k","messageId":"m"}""", "evt_1")]
    [InlineData(null, null, """{"id":{"a":1},"idempotency_key":"k","messageId":"m"}""", "k")]
    [InlineData(null, null, """{"messageId":"m","data":{"idempotency_key":"k"}}""", "m")]
    [InlineData(null, null, """{"data":{"idempotency_key":"k"}}""", "k")]
    public void The_header_comes_first_then_the_schemes_id_then_what_the_body_says(string? header, string? delivery, string body, string key) =>
        Assert.Equal(key, Key(body, header, new DeliveryNames(delivery, "id")));

    [Theory]
    [InlineData("""{"messageId":"m","status":"delivered"}""", "m|delivered")]
    [InlineData("""{"messageId":"m","status":"delivered","event":"message.status"}""", "m|delivered")]
    [InlineData("""{"messageId":"m","event":"message.read"}""", "m|message.read")]
    [InlineData("""{"messageId":"m","status":3}""", "m|3")]
    [InlineData("""{"messageId":"m","status":null,"event":{}}""", "m")]
    [InlineData("""{"messageId":"m","data":{"status":"read"},"event":"e"}""", "m|read")]
    [InlineData("""{"data":{"messageId":"m","status":"sent"}}""", "m|sent")]
    [InlineData("""{"event":"message.ack","data":{"messageId":"m","status":"sent"}}""", "m|sent")]
    [InlineData("""{"event":"message.ack","data":{"messageId":"m"}}""", "m|message.ack")]
    [InlineData("""{"status":"read","data":{"messageId":"m","event":"e"}}""", "m|read")]
    [InlineData("""{"data":{"messageId":"m"}}""", "m")]
    public void An_entitys_id_names_an_event_only_together_with_its_status(string body, string key) => Assert.Equal(key, Key(body));

    [Theory]
    [InlineData("MessageSid", "MessageStatus", """{"MessageSid":"SM1","MessageStatus":"sent","messageId":"m"}""", "SM1|sent")]
    [InlineData("MessageSid", null, """{"MessageSid":"SM1","status":"sent"}""", "SM1|sent")]
    [InlineData("message.id", "message.state", """{"message":{"id":"a","state":"read"}}""", "a|read")]
    [InlineData("message.id", null, """{"event":"e","message":{"id":"a","status":"read"}}""", "a|read")]
    [InlineData("message.id", null, """{"event":"e","message":{"id":"a"}}""", "a")]
    [InlineData("message.id", "-", """{"status":"x","message":{"id":"a","status":"read"}}""", "a")]
    [InlineData(null, "-", """{"messageId":"m","status":"delivered"}""", "m")]
    [InlineData(null, "state", """{"messageId":"m","status":"delivered","state":"s"}""", "m|s")]
    [InlineData("message.id", null, """{"messageId":"m"}""", null)]
    public void A_trigger_may_say_what_is_the_entity_and_what_its_status(string? entity, string? status, string body, string? key) =>
        Assert.Equal(key, Key(body, names: new DeliveryNames(null, null, entity, status)));

    [Theory]
    [InlineData("event.id", """{"event":{"id":"e1"}}""", "e1")]
    [InlineData("event.id", """{"event":"e1"}""", null)]
    [InlineData("event.id", """[]""", null)]
    [InlineData("a.b.c", """{"a":{"b":{"c":7}}}""", "7")]
    public void A_delivery_id_may_lie_deep_in_the_body(string field, string body, string? key) =>
        Assert.Equal(key, Key(body, names: new DeliveryNames(null, field)));

    [Fact]
    public void A_retry_that_counts_its_attempts_in_the_body_is_the_same_event_and_has_the_same_hash()
    {
        var first = Fire("""{"id":"evt_1","pending_webhooks":2}""", new DeliveryNames(null, "id"));
        var again = Fire("""{"pending_webhooks":1,"id":"evt_1"}""", new DeliveryNames(null, "id"));
        Assert.Equal(DerivedId.Of("trigger|pay|evt_1"), first.EventId);
        Assert.Equal((first.EventId, first.Key), (again.EventId, again.Key));

        // A sender's own key says nothing about the body: what differs is kept as a revision.
        Assert.NotEqual(Fire("""{"idempotency_key":"k","n":1}""", default).Key, Fire("""{"idempotency_key":"k","n":2}""", default).Key);
    }

    private static string? Key(string body, string? header = null, DeliveryNames names = default)
    {
        using var document = JsonDocument.Parse(body);
        return TriggerKey.Of(header, names, document.RootElement)?.Text;
    }

    private static NewEvent Fire(string body, DeliveryNames names) => Assert.Single(TriggerDoor.Instance.Read(
        new DoorRequest("acme", "trigger:pay", null, "pay", null, Encoding.UTF8.GetBytes(body), ReceivedAt, null) { Delivery = names }).Events);
}
