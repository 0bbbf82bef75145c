using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using WhatsAppMesh.Events.V1;
using WhatsAppMesh.Ingest.V1;

namespace WhatsAppMesh.Ingest.Tests;

/// <summary>Export and import as a client makes them.</summary>
internal static class Transfer
{
    public static async Task<List<CollectedEvent>> ExportAsync(this IngestUnderTest ingest, EventFilter filter)
    {
        using var call = new Lake.LakeClient(ingest.Channel).ExportEvents(new ExportEventsRequest { Filter = filter });
        var events = new List<CollectedEvent>();
        await foreach (var response in call.ResponseStream.ReadAllAsync())
            events.Add(response.Event);
        return events;
    }

    public static async Task<ImportEventsResponse> ImportAsync(this IngestUnderTest ingest, IEnumerable<CollectedEvent> events, string tenant = "acme", int perMessage = 7)
    {
        using var call = new Lake.LakeClient(ingest.Channel).ImportEvents();
        foreach (var chunk in events.Select(static (item, i) => new ImportLine { Number = i + 1, Event = item }).Chunk(perMessage))
            await call.RequestStream.WriteAsync(new ImportEventsRequest { Tenant = tenant, Lines = { chunk } });
        await call.RequestStream.CompleteAsync();
        return await call;
    }

    public static CollectedEvent Line(DateTimeOffset receivedAt, string payload = "{}", string? id = null) => new()
    {
        EventId = id ?? Guid.NewGuid().ToString(),
        Type = "messages.upsert",
        Source = "wpp-tui",
        ChatJid = "1@g.us",
        OccurredAt = Timestamp.FromDateTimeOffset(receivedAt.AddSeconds(-3)),
        OccurredAtSource = "messageTimestamp",
        ReceivedAt = Timestamp.FromDateTimeOffset(receivedAt),
        PayloadJson = payload,
    };
}
