using System.Diagnostics.Metrics;
using System.Text.Json.Nodes;
using WhatsAppMesh.Membership.Tests.Driving;

namespace WhatsAppMesh.Membership.Tests;

/// <summary>What an event says and nothing holds is counted, by type and reason.</summary>
public sealed class SilenceTests
{
    private const string Group = "120363000000000001@g.us";

    [Theory]
    [InlineData("messages.upsert", "{\"key\":{\"remoteJid\":\"$g\"},\"messageStubType\":186}", "unread_stub")]
    [InlineData("messages.upsert", "{\"key\":{\"remoteJid\":\"$g\"},\"messageStubType\":9999}", "unread_stub")]
    [InlineData("messages.upsert", "{\"key\":{\"remoteJid\":\"$g\"},\"messageStubType\":\"GROUP_DANCE\"}", "unread_stub")]
    [InlineData("messages.upsert", "{\"key\":{\"remoteJid\":\"$g\"},\"messageStubType\":27,\"messageStubParameters\":[\"x\"]}", "no_person")]
    [InlineData("messages.upsert", "{\"key\":{\"remoteJid\":\"$g\"},\"messageStubType\":27}", "no_person")]
    [InlineData("messages.upsert", "{\"key\":{\"remoteJid\":\"$g\"},\"messageStubType\":26,\"messageStubParameters\":[\"perhaps\"]}", "unread_value")]
    [InlineData("messages.upsert", "{\"key\":{\"remoteJid\":\"$g\"},\"messageStubType\":72}", "unread_value")]
    [InlineData("messages.upsert", "{\"key\":{\"remoteJid\":\"$g\"},\"messageStubType\":33,\"messageStubParameters\":[\"12025550139@s.whatsapp.net\"]}", "unread_value")]
    [InlineData("messages.upsert", "{\"key\":{\"remoteJid\":\"$g\"},\"message\":{\"protocolMessage\":{\"type\":27}}}", "unread_protocol")]
    [InlineData("messages.upsert", "{\"key\":{\"remoteJid\":\"$g\"},\"message\":{\"protocolMessage\":{\"type\":30}}}", "no_person")]
    [InlineData("messages.upsert", "{\"message\":{}}", "no_content")]
    [InlineData("messages.reaction", "{\"reaction\":null}", "no_content")]
    [InlineData("group-participants.update", "{\"id\":\"$g\",\"action\":\"dance\",\"participants\":[\"1@lid\"]}", "unknown_action")]
    [InlineData("group-participants.update", "{\"id\":\"$g\",\"action\":\"add\",\"participants\":[]}", "no_person")]
    [InlineData("groups.metadata", "{\"id\":\"$g\",\"participants\":[{\"id\":\"abc@lid\"}]}", "no_person")]
    [InlineData("group.join-request", "{\"id\":\"$g\",\"participant\":5}", "no_person")]
    [InlineData("lid-mapping.update", "{\"lid\":\"1@lid\"}", "no_person")]
    [InlineData("evolution.groups.update", "{\"data\":7}", "no_content")]
    [InlineData("evolution.groupinfo", "{\"data\":{\"JID\":\"\"}}", "no_group")]
    [InlineData("waha.group.v2.update", "{\"payload\":{\"group\":{}}}", "no_group")]
    public void Silence_is_counted_by_reason(string type, string payload, string reason) =>
        Assert.Equal([$"{reason} 1"], Reading.Of(type, payload, payload.Contains("$g", StringComparison.Ordinal) ? Group : "").Silent());

    [Theory]
    [InlineData("{\"key\":{\"remoteJid\":\"$g\",\"participant\":\"1@lid\"},\"message\":{\"conversation\":\"x\"}}")]
    [InlineData("{\"key\":{\"remoteJid\":\"$g\",\"participant\":\"1@lid\"},\"messageStubType\":2}")]
    [InlineData("{\"key\":{\"remoteJid\":\"$g\",\"participant\":\"1@lid\"},\"messageStubType\":0,\"message\":{}}")]
    [InlineData("{\"key\":{\"remoteJid\":\"$g\",\"participant\":\"1@lid\"},\"message\":{\"protocolMessage\":{\"type\":\"REVOKE\"}}}")]
    [InlineData("{\"key\":{\"remoteJid\":\"$g\"},\"messageStubType\":27,\"messageStubParameters\":[\"13135550002@s.whatsapp.net\"]}")]
    public void What_says_nothing_of_a_group_is_no_silence(string payload) =>
        Assert.Empty(Reading.Of("messages.upsert", payload).Silent());

    [Fact]
    public async Task Silence_is_a_metric_with_a_known_type()
    {
        await using var database = await MembershipDatabase.CreateAsync();
        var measured = new List<string>();
        using var listener = new MeterListener
        {
            InstrumentPublished = static (instrument, listener) =>
            {
                if (instrument.Name == "mesh_membership_silent_events_total")
                    listener.EnableMeasurementEvents(instrument);
            },
        };
        listener.SetMeasurementEventCallback<long>((_, count, tags, _) =>
        {
            lock (measured)
                measured.Add($"{tags[0].Value} {tags[1].Value} {count}");
        });
        listener.Start();
        await database.ApplyAsync(new Collector("silent").Event(
            "group-participants.update", JsonNode.Parse($$"""{"id":"{{Group}}","action":"waltz","participants":["1@lid"]}""")!));
        lock (measured)
            Assert.Contains("group-participants.update unknown_action 1", measured);
    }
}
