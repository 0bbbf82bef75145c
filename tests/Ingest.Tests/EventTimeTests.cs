using System.Text;

namespace WhatsAppMesh.Ingest.Tests;

public class EventTimeTests
{
    private static readonly DateTimeOffset ReceivedAt = new(2024, 6, 1, 13, 0, 0, TimeSpan.Zero);

    [Theory]
    [InlineData("messages.upsert", """{"messageTimestamp":1717243200}""", "2024-06-01T12:00:00", "messageTimestamp")]
    [InlineData("messages.upsert", """{"key":{"id":"x"},"messageTimestamp":"1717243200","x":1}""", "2024-06-01T12:00:00", "messageTimestamp")]
    [InlineData("messages.upsert", """{"messageTimestamp":{"low":1717156800,"high":0,"unsigned":true}}""", "2024-05-31T12:00:00", "messageTimestamp")]
    [InlineData("messages.upsert", """{"messageTimestamp":1717243200000}""", "2024-06-01T12:00:00", "messageTimestamp")]
    [InlineData("group.member-tag.update", """{"groupId":"1@g.us","messageTimestamp":1717243200}""", "2024-06-01T12:00:00", "messageTimestamp")]
    [InlineData("messages.update", """{"key":{},"update":{"status":3,"messageTimestamp":1717243205}}""", "2024-06-01T12:00:05", "update.messageTimestamp")]
    [InlineData("messages.update", """{"key":{},"update":{"message":null}}""", "2024-06-01T13:00:00", "received_at")]
    [InlineData("messages.reaction", """{"reaction":{"text":"","senderTimestampMs":{"low":-743713277,"high":399,"unsigned":false}},"key":{}}""", "2024-06-01T12:00:05.123", "reaction.senderTimestampMs")]
    [InlineData("groups.update", """{"id":"1@g.us","subject":"S","subjectTime":1717243200}""", "2024-06-01T12:00:00", "subjectTime")]
    [InlineData("groups.update", """{"id":"1@g.us","desc":"D","descTime":1717243200}""", "2024-06-01T12:00:00", "descTime")]
    [InlineData("groups.update", """{"id":"1@g.us","subject":"S","author":"2@lid"}""", "2024-06-01T13:00:00", "received_at")]
    [InlineData("groups.update", """{"id":"1@g.us","announce":true,"subjectTime":1717243200}""", "2024-06-01T13:00:00", "received_at")]
    [InlineData("groups.update", """{"id":"1@g.us","subject":"S","subjectTime":1717243200,"participants":[]}""", "2024-06-01T13:00:00", "received_at")]
    [InlineData("groups.update", """{"id":"1@g.us","subject":"S","subjectTime":1717243200,"creation":1700000000}""", "2024-06-01T13:00:00", "received_at")]
    [InlineData("groups.metadata", """{"id":"1@g.us","subject":"S","subjectTime":1717243200,"messageTimestamp":1717243200}""", "2024-06-01T13:00:00", "received_at")]
    [InlineData("groups.upsert", """{"id":"1@g.us","creation":1717243200}""", "2024-06-01T13:00:00", "received_at")]
    [InlineData("group-participants.update", """{"id":"1@g.us","action":"add","participants":[]}""", "2024-06-01T13:00:00", "received_at")]
    [InlineData("messages.upsert", """{"messageTimestamp":"NaN","reaction":{"senderTimestampMs":1717243200000}}""", "2024-06-01T12:00:00", "reaction.senderTimestampMs")]
    [InlineData("messages.upsert", """{"messageTimestamp":0,"reaction":7,"update":[1]}""", "2024-06-01T13:00:00", "received_at")]
    [InlineData("messages.upsert", """{"messageTimestamp":1e999999}""", "2024-06-01T13:00:00", "received_at")]
    [InlineData("messages.upsert", """{"messageTimestamp":1000000000}""", "2024-06-01T13:00:00", "received_at")]
    [InlineData("messages.upsert", """{"messageTimestamp":4102444800}""", "2024-06-01T13:05:00", "messageTimestamp")]
    [InlineData("messages.upsert", """{"messageTimestamp":1717250400}""", "2024-06-01T13:05:00", "messageTimestamp")]
    [InlineData("messages.upsert", """[{"messageTimestamp":1717243200}]""", "2024-06-01T13:00:00", "received_at")]
    public void The_payload_of_each_type_says_when(string type, string payload, string at, string source)
    {
        var occurred = EventTime.Of(type, null, null, Encoding.UTF8.GetBytes(payload), ReceivedAt);
        Assert.Equal(new Occurrence(Utc(at), source), occurred);
    }

    [Theory]
    [InlineData("2024-06-01T12:30:00", "from_collector", "2024-06-01T12:30:00", "from_collector")]
    [InlineData("2024-06-01T12:30:00", null, "2024-06-01T12:30:00", "occurred_at")]
    [InlineData("2024-06-01T13:04:59", null, "2024-06-01T13:04:59", "occurred_at")]
    [InlineData("2024-06-01T13:05:01", null, "2024-06-01T13:05:00", "occurred_at")]
    [InlineData("2024-06-02T13:00:00", null, "2024-06-01T13:05:00", "occurred_at")]
    [InlineData("2024-06-02T13:00:01", null, "2024-06-01T13:05:00", "occurred_at")]
    [InlineData("2008-12-31T23:59:59", "x", "2024-06-01T12:00:00", "messageTimestamp")]
    [InlineData("2024-06-01T12:30:00", "received_at", "2024-06-01T12:30:00", "received_at")]
    public void The_envelope_comes_first_unless_it_is_absurd(string envelope, string? envelopeSource, string at, string source)
    {
        var occurred = EventTime.Of("messages.upsert", Utc(envelope), envelopeSource, """{"messageTimestamp":1717243200}"""u8, ReceivedAt);
        Assert.Equal(new Occurrence(Utc(at), source), occurred);
    }

    private static DateTimeOffset Utc(string text) => DateTimeOffset.Parse(text + "Z");
}
