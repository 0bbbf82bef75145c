using System.Text.Json;
using WhatsAppMesh.LocalPostgres;

namespace WhatsAppMesh.Ingest.Tests;

public class CollectorDoorTests
{
    private const string Body = """{"type":"messages.upsert","chat_jid":"1@g.us","payload":{"messageTimestamp":1717243200}}""";

    [Fact]
    public async Task New_and_known_events_are_answered_as_each_contract_says()
    {
        await using var database = await TestDatabase.CreateAsync();
        await using var ingest = await IngestUnderTest.StartAsync(database.ConnectionString);
        var id = Guid.NewGuid().ToString();
        var v1 = """{"type":"t","occurred_at":"2024-06-01T12:00:00Z","payload":{}}""";

        Assert.Equal((202, $$"""{"status":"accepted","event_id":"{{id}}"}"""), await ingest.SendAsync(IngestUnderTest.Request("/v1/events", v1, id.ToUpperInvariant())));
        Assert.Equal((202, $$"""{"status":"duplicate","event_id":"{{id}}"}"""), await ingest.SendAsync(IngestUnderTest.Request("/v1/events", v1, id)));
        var other = Guid.NewGuid().ToString();
        Assert.Equal((201, """{"status":"stored"}"""), await ingest.PostV2Async(other, Body));
        Assert.Equal((201, """{"status":"stored"}"""), await ingest.PostV2Async(other, Body));
        Assert.Equal(2L, await database.ConnectionString.ScalarAsync<long>("select count(*) from whatsapp_events"));
    }
}
