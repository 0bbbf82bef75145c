using System.Text.Json;
using WhatsAppMesh.LocalPostgres;

namespace WhatsAppMesh.Ingest.Tests;

public class SampleFilesTests
{
    [Fact]
    public async Task Every_sample_event_is_answered_as_the_index_says_and_stored_as_it_was_sent()
    {
        await using var database = await TestDatabase.CreateAsync();
        await using var ingest = await IngestUnderTest.StartAsync(database.ConnectionString);
        using var index = JsonDocument.Parse(File.ReadAllBytes(SharedFiles.Payload("00_index.json")));
        var tried = 0;
        foreach (var sample in index.RootElement.GetProperty("files").EnumerateArray())
        {
            var contract = sample.GetProperty("contract").GetString();
            if (contract is not ("ingest v1" or "ingest v2") || !sample.TryGetProperty("headers", out var headers))
                continue;
            var file = sample.GetProperty("file").GetString()!;
            using var content = JsonDocument.Parse(File.ReadAllBytes(SharedFiles.Payload(file)));
            var body = JsonSerializer.Serialize(content.RootElement, Relaxed);
            var id = headers.GetProperty("X-Event-Id").GetString()!;
            var expected = int.Parse(sample.GetProperty("expect").GetString()![..3], System.Globalization.CultureInfo.InvariantCulture);

            var answer = await ingest.SendAsync(IngestUnderTest.Request(contract == "ingest v1" ? "/v1/events" : "/v2/events", body, id, tenant: file));
            Assert.True(expected == answer.Status, $"{file}: {answer}");
            var stored = await database.ConnectionString.ScalarAsync<string>($"select e.payload from whatsapp_events e join tenants t on t.id = e.tenant where t.name = '{file}' and e.event_id = '{id}'");
            Assert.Equal(JsonSerializer.Serialize(content.RootElement.GetProperty("payload"), Relaxed), stored);
            tried++;
        }
        Assert.True(tried > 30, $"Only {tried} samples have an ingest contract.");
        // Every one of them is jsonb as well.
        Assert.Equal(0L, await database.ConnectionString.ScalarAsync<long>("select count(*) from lake_events where payload is null"));
    }

    [Theory]
    [InlineData("12_messages_upsert_stub_participant_add.json", "messageTimestamp", "2024-06-01T12:00:00Z")]
    [InlineData("14_messages_upsert_timestamp_long_object.json", "messageTimestamp", "2024-05-31T12:00:00Z")]
    [InlineData("19_messages_reaction_removed.json", "reaction.senderTimestampMs", "2024-06-01T12:00:05.123Z")]
    [InlineData("24_group_participants_add.json", "received_at", null)]
    [InlineData("33_groups_metadata_lid_with_phone.json", "received_at", null)]
    [InlineData("43_groups_update_full_snapshot.json", "received_at", null)]
    public void The_time_of_a_sample_comes_from_where_it_stands(string file, string source, string? at)
    {
        var receivedAt = new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);
        var item = Assert.Single(CollectorDoor.V2.Read(new DoorRequest(
            "acme", "wpp-tui", Guid.NewGuid().ToString(), null, null, File.ReadAllBytes(SharedFiles.Payload(file)), receivedAt, null)).Events);
        Assert.Equal(new Occurrence(at is null ? receivedAt : DateTimeOffset.Parse(at), source), item.Occurred);
    }

    private static readonly JsonSerializerOptions Relaxed = new() { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping };
}
