using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using WhatsAppMesh.Events;
using WhatsAppMesh.Events.V1;

namespace WhatsAppMesh.Deliveries;

/// <summary>
/// A person gave a dead letter up: what the event <c>deadletter.discarded</c> says. Through the lake the decision outlives the consumer's own
/// database: one that is emptied meets it again and discards what dies there a second time.
/// </summary>
/// <param name="Service">The consumer whose dead letter it was.</param>
/// <param name="Log">Log of the event that died.</param>
/// <param name="Position">Its position.</param>
/// <param name="DeadLetter">Id of the dead letter: whoever still has it knows of the decision already.</param>
/// <param name="Who">Who decided.</param>
/// <param name="Reason">Why.</param>
internal sealed partial record Discard(
    [property: JsonPropertyName("service")] string Service,
    [property: JsonPropertyName("log")] int Log,
    [property: JsonPropertyName("position")] long Position,
    [property: JsonPropertyName("dead_letter_id")] Guid DeadLetter,
    [property: JsonPropertyName("who")] string Who,
    [property: JsonPropertyName("reason")] string Reason)
{
    /// <summary>Type of the event.</summary>
    public const string EventType = "deadletter.discarded";

    /// <summary>Id of the event, the same whenever it is sent.</summary>
    public Guid EventId => DerivedId.Of(string.Create(CultureInfo.InvariantCulture, $"{EventType}|{Service}|{Log}|{Position}|{DeadLetter}"));

    /// <summary>Payload of the event.</summary>
    public string ToJson() => JsonSerializer.Serialize(this, DiscardJson.Default.Discard);

    /// <summary>
    /// The discards among some events that concern a consumer, by index. Only the consumer itself can have said so: the lake writes who
    /// appended an event, and a collector that posts this type is not believed. Nor is an import: it names positions of another log.
    /// </summary>
    public static IReadOnlyDictionary<int, Discard> Told(IReadOnlyList<CollectedEvent> events, string service)
    {
        var told = new Dictionary<int, Discard>();
        for (var i = 0; i < events.Count; i++)
        {
            if (events[i] is { Type: EventType, Imported: false } value && value.Source == EventOrigin.Service + service
                && Read(value.PayloadJson) is { } discard && discard.Service == service)
                told[i] = discard;
        }

        return told;
    }

    private static Discard? Read(string json)
    {
        try
        {
            return JsonSerializer.Deserialize(json, DiscardJson.Default.Discard) is { Log: > 0, Position: > 0, Who: not null, Reason: not null } discard ? discard : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    [JsonSerializable(typeof(Discard))]
    private sealed partial class DiscardJson : JsonSerializerContext;
}
