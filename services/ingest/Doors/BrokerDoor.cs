using System.Runtime.InteropServices;
using System.Text.Json;
using WhatsAppMesh.Events;

namespace WhatsAppMesh.Ingest;

/// <summary>
/// Webhooks of the message broker, stored raw as <c>broker.{type}</c>, one event per item. A request holds one item, an array of them or
/// <c>{"events":[..]}</c>; the request and each item may be wrapped in <c>{"body":..}</c>. What is no object is left out.
/// </summary>
internal static class BrokerDoor
{
    public static readonly Door Instance = new(EventOrigin.Broker, Read, DoorAnswers.AcceptedCount);

    private const int MaxTypeLength = 93;
    private const int MaxItems = 1_000;

    private static DoorReading Read(DoorRequest request)
    {
        var errors = new FieldErrors();
        using var document = WebhookJson.Parse(request.Body, errors);
        if (document is null)
            return errors.ToRefusal();
        var events = new List<NewEvent>();
        var items = 0;
        foreach (var item in Items(Unwrap(document.RootElement)))
        {
            // All events of a request share one statement: a body of nothing but {} would make a million of them.
            if (++items > MaxItems)
            {
                errors.Add("events", $"must be at most {MaxItems} items");
                return errors.ToRefusal();
            }
            if (Unwrap(item) is { ValueKind: JsonValueKind.Object } usable)
                events.Add(Event(request, usable));
        }
        return new DoorReading([.. events], null);
    }

    private static NewEvent Event(DoorRequest request, JsonElement item)
    {
        var type = TypeOf(item);
        // Copied: the document's memory goes back to the pool before the event is stored.
        var payload = JsonMarshal.GetRawUtf8Value(item).ToArray();
        item.TryGetProperty("payload", out var inner);
        var occurred = EventTime.FirstOf(request.ReceivedAt, (Time(item), "timestamp"), (Time(inner), "payload.timestamp"));
        return request.Event(IdOf(request, type, item), type, payload, occurred);
    }

    private static string TypeOf(JsonElement item)
    {
        var name = (WebhookJson.Text(item, "type") ?? WebhookJson.Text(item, "event"))?.ToLowerInvariant();
        return name is { Length: <= MaxTypeLength } ? $"broker.{name}" : "broker.unknown";
    }

    // The type is part of the name: a broker may announce a message and its receipts under one id. Without an id of its own an item is
    // known by its messages; what differs under one name (another status of them) is kept as a revision.
    private static Guid IdOf(DoorRequest request, string type, JsonElement item) => WebhookJson.Text(item, "id") switch
    {
        null when BrokerMessages.NameOf(item) is { } messages => DerivedId.Of($"broker-messages|{request.Tenant}|{type}|{messages}"),
        null => Guid.CreateVersion7(request.ReceivedAt),
        var id when Guid.TryParseExact(id, "D", out var uuid) => uuid,
        var id => DerivedId.Of($"broker|{request.Tenant}|{type}|{id}"),
    };

    private static IEnumerable<JsonElement> Items(JsonElement root) => root.ValueKind switch
    {
        JsonValueKind.Array => root.EnumerateArray(),
        JsonValueKind.Object when root.TryGetProperty("events", out var events) && events.ValueKind == JsonValueKind.Array => events.EnumerateArray(),
        _ => [root],
    };

    private static JsonElement Unwrap(JsonElement element) =>
        element.ValueKind == JsonValueKind.Object && element.TryGetProperty("body", out var body)
        && body.ValueKind is JsonValueKind.Object or JsonValueKind.Array
        && !element.TryGetProperty("type", out _) && !element.TryGetProperty("event", out _)
            ? body
            : element;

    private static DateTimeOffset? Time(JsonElement element) =>
        element.ValueKind == JsonValueKind.Object && element.TryGetProperty("timestamp", out var time) ? WireTime.Read(time) : null;
}
