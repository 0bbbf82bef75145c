using System.Text;
using System.Text.Json;
using WhatsAppMesh.Events;

namespace WhatsAppMesh.Ingest;

/// <summary>
/// Webhooks of Evolution API (<c>{event, instance, data, date_time, apikey, ..}</c>) and Evolution Go (<c>{event, data, instanceId,
/// instanceName, instanceToken}</c>), stored as <c>evolution.{event}</c>: raw but for the secrets in them (<see cref="EvolutionSecrets"/>).
/// </summary>
/// <remarks>Neither gives an event an id: it is derived from what the event is about, so that a retry is a duplicate.</remarks>
internal static class EvolutionDoor
{
    public static readonly Door Instance = new(EventOrigin.Evolution, Read, DoorAnswers.Accepted);

    // Of a member that decides something and stands twice, two readers could take different ones.
    private static readonly HashSet<string> Single =
        ["event", "instance", "instanceId", "instanceName", "data", "date_time", "apikey", "api_key", "instanceToken"];

    // What says how and when an event was told, not what it is. (The event's name counts as its type, in one spelling.)
    private static readonly HashSet<string> Telling = ["event", "date_time", "destination", "server_url", "sender"];

    private static DoorReading Read(DoorRequest request)
    {
        var errors = new FieldErrors();
        using var sent = WebhookJson.Parse(request.Body, errors);
        if (sent is null)
            return errors.ToRefusal();
        Check(sent.RootElement, errors);
        if (!errors.IsEmpty)
            return errors.ToRefusal();
        var type = EvolutionNames.TypeOf(WebhookJson.Text(sent.RootElement, "event") ?? request.RouteId);
        var payload = EvolutionSecrets.Strip(request.Body, type);
        using var body = JsonDocument.Parse(payload, WebhookJson.Options);
        return Event(request, type, payload, body.RootElement);
    }

    private static void Check(JsonElement body, FieldErrors errors)
    {
        if (body.ValueKind != JsonValueKind.Object)
        {
            errors.Add("body", "must be a JSON object");
            return;
        }
        foreach (var name in body.EnumerateObject().Select(static member => member.Name).Where(Single.Contains).GroupBy(static name => name))
        {
            if (name.Count() > 1)
                errors.Add(name.Key, "stands more than once");
        }
    }

    private static NewEvent Event(DoorRequest request, string type, ReadOnlyMemory<byte> payload, JsonElement body)
    {
        var item = new EvolutionItem(body, type);
        var time = item.Time;
        var clock = body.TryGetProperty(SenderClock.Source, out var written) ? SenderClock.Read(written, request.ReceivedAt) : null;
        var occurred = EventTime.FirstOf(request.ReceivedAt, (time?.At, time?.Source ?? ""), (clock, SenderClock.Source));
        var instance = WebhookJson.Text(body, "instanceId") ?? WebhookJson.Text(body, "instance") ?? WebhookJson.Text(body, "instanceName");
        var content = CanonicalJson.Hash(body, Telling);
        var eventId = DerivedId.Of($"evolution|{request.Tenant}|{instance}|{type}|{item.Key ?? content}");
        var result = request.Event(eventId, type, payload, occurred, item.Chat);
        var said = BodyHash.Of(type, Encoding.ASCII.GetBytes(content));
        return occurred.Source switch
        {
            // Without any time the next of its kind looks the same: a retry comes within minutes, the same state again perhaps much later.
            EventTime.Untimed => result with { Key = new DedupKey(BodyHash.OfObservation(type, said, request.ReceivedAt), said) },
            // Told at two moments, an event without a time of its own is two observations: date_time is in its hash.
            SenderClock.Source => result,
            // The same content at the same time is the same news, whenever and in whatever order of members it is told.
            _ => result with { Key = new DedupKey(said, null) },
        };
    }
}
