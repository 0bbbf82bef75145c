using Google.Protobuf.WellKnownTypes;
using WhatsAppMesh.Events.V1;

namespace WhatsAppMesh.Deliveries.Tests;

/// <summary>Events and envelopes as the topic carries them.</summary>
internal static class Envelopes
{
    public const string Tenant = "acme";
    public const string TraceId = "0af7651916cd43dd8448eb211c80319c";

    public static CollectedEvent Event(long position, string type = "test.ok", string tenant = Tenant, int log = 1) => new()
    {
        Log = log,
        Position = position,
        Tenant = tenant,
        Source = "default",
        EventId = $"00000000-0000-4000-8000-{position:D12}",
        Type = type,
        OccurredAt = Timestamp.FromDateTimeOffset(DateTimeOffset.UnixEpoch.AddSeconds(1_790_000_000 + position)),
        OccurredAtSource = "messageTimestamp",
        ReceivedAt = Timestamp.FromDateTimeOffset(DateTimeOffset.UnixEpoch.AddSeconds(1_790_000_001 + position)),
        PayloadJson = $$"""{"n":{{position}}}""",
    };

    /// <summary>The envelope of an event, in a trace.</summary>
    public static string Of(CollectedEvent value) =>
        CloudEventReader.WriteEnvelope(value)[..^1] + $",\"traceparent\":\"00-{TraceId}-b7ad6b7169203331-01\"}}";

    public static string Of(long position, string type = "test.ok", string tenant = Tenant, int log = 1) => Of(Event(position, type, tenant, log));

    public static IEnumerable<string> Range(long from, long to) => Enumerable.Range((int)from, (int)(to - from + 1)).Select(static position => Of(position));

    public static string Bulk(IEnumerable<string> envelopes) =>
        "{\"entries\":[" + string.Join(',', envelopes.Select(static (envelope, n) =>
            $$"""{"entryId":"{{n}}","event":{{envelope}},"metadata":{"pubsubName":"pubsub"},"contentType":"application/cloudevents+json"}"""))
        + "],\"id\":\"bulk\",\"metadata\":{},\"pubsubname\":\"pubsub\",\"topic\":\"whatsapp.events\",\"type\":\"com.dapr.event.sent.bulk\"}";
}
