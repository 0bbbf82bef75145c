using System.Text.Json;
using WhatsAppMesh.Events;
using WhatsAppMesh.Events.V1;
using WhatsAppMesh.Membership.Facts;

namespace WhatsAppMesh.Membership.Events;

/// <summary>One event as its reader sees it: who, when, and the payload as JSON.</summary>
public sealed class ObservedEvent
{
    /// <summary>Value of occurred_at_source that marks an event without a time of its own (contract of the topic).</summary>
    public const string UntimedSource = "received_at";

    private static readonly DateTimeOffset FirstYear = new(2009, 1, 1, 0, 0, 0, TimeSpan.Zero);
    private static readonly TimeSpan ClockTolerance = TimeSpan.FromMinutes(5);

    private ObservedEvent(CollectedEvent source, JsonElement payload)
    {
        Source = source;
        Payload = payload;
        ReceivedAt = Micros(source.ReceivedAt?.ToDateTimeOffset() ?? source.OccurredAt?.ToDateTimeOffset() ?? throw Poison("the event has no time"));
        At = source.OccurredAt is { } occurred ? Micros(occurred.ToDateTimeOffset()) : ReceivedAt;
        IsUntimed = source.OccurredAtSource == UntimedSource;
        OrderAt = IsUntimed ? At - Untimed.Offset : At;
    }

    private ObservedEvent(ObservedEvent whole, DateTimeOffset at)
    {
        (Source, Payload, ReceivedAt) = (whole.Source, whole.Payload, whole.ReceivedAt);
        (At, OrderAt, IsUntimed) = (at, at, false);
    }

    private ObservedEvent(ObservedEvent whole, JsonElement payload, bool isUntimed)
    {
        (Source, Payload, ReceivedAt, IsUntimed) = (whole.Source, payload, whole.ReceivedAt, isUntimed);
        At = isUntimed ? ReceivedAt : whole.At;
        OrderAt = isUntimed ? At - Untimed.Offset : whole.OrderAt;
    }

    /// <summary>The event as it came over the topic.</summary>
    public CollectedEvent Source { get; }

    /// <summary>Root of the payload: an object or an array.</summary>
    public JsonElement Payload { get; }

    /// <summary>Tenant that owns the event.</summary>
    public string Tenant => Source.Tenant;

    /// <summary>When the lake took it: our clock, in microseconds.</summary>
    public DateTimeOffset ReceivedAt { get; }

    /// <summary>When it happened by its own account, in microseconds.</summary>
    public DateTimeOffset At { get; }

    /// <summary>True when <see cref="At"/> is only the time of reception.</summary>
    public bool IsUntimed { get; }

    /// <summary>Time that orders what the event says.</summary>
    public DateTimeOffset OrderAt { get; }

    /// <summary>
    /// The same event as the teller of one item of it that has a time of its own. A time before WhatsApp's first year is none, and the
    /// event's stands; one ahead of our clock counts as 5 minutes ahead,
    /// or as the time that the lake took for the event's.
    /// </summary>
    public ObservedEvent ToldAt(DateTimeOffset? own)
    {
        if (own is not { } time || time < FirstYear)
            return this;
        var latest = ReceivedAt + ClockTolerance > At ? ReceivedAt + ClockTolerance : At;
        return new ObservedEvent(this, Micros(time < latest ? time : latest));
    }

    /// <summary>The same event as the teller of what its time is not about: only its reception is known.</summary>
    public ObservedEvent WithoutTime() => IsUntimed ? this : new ObservedEvent(this, Payload, isUntimed: true);

    /// <summary>The same event as the bearer of another payload: what an engine's envelope holds.</summary>
    public ObservedEvent About(JsonElement payload) => new(this, payload, IsUntimed);

    /// <summary>Reads the payload's JSON; the document must outlive the event.</summary>
    /// <exception cref="PoisonException">The payload is missing, is not JSON, or is neither object nor array.</exception>
    public static ObservedEvent Open(CollectedEvent source, out JsonDocument document)
    {
        try
        {
            document = JsonDocument.Parse(source.PayloadJson, new JsonDocumentOptions { MaxDepth = CollectedEventJson.MaxPayloadDepth });
        }
        catch (JsonException)
        {
            // The parser's message may quote the payload, which is personal data.
            throw Poison(source.PayloadInLake ? "the payload was not fetched from the lake" : "the payload is not JSON, or nested too deep");
        }

        if (document.RootElement.ValueKind is JsonValueKind.Object or JsonValueKind.Array)
            return new ObservedEvent(source, document.RootElement);
        document.Dispose();
        throw Poison("the payload is neither an object nor an array");
    }

    /// <summary>
    /// The objects of the payload: itself, or the items of an array (some engines post their events in lists).
    /// </summary>
    /// <exception cref="PoisonException">It is a list of which no item is an object. An empty list says nothing, and is fine.</exception>
    public IReadOnlyList<JsonElement> Items(Observations into)
    {
        if (Payload.ValueKind == JsonValueKind.Object)
            return [Payload];
        var items = Payload.EnumerateArray().Where(item => item.ValueKind == JsonValueKind.Object).ToList();
        into.Skipped += Payload.GetArrayLength() - items.Count;
        return items.Count > 0 || Payload.GetArrayLength() == 0 ? items : throw Poison("the payload holds no object");
    }

    /// <summary>The group an item is about: its own id, else the event's chat.</summary>
    /// <exception cref="PoisonException">Neither names a group.</exception>
    public GroupKey Group(JsonElement item, string idField = "id") =>
        TryGroup(item, idField) ?? throw Poison($"neither the payload's {idField} nor the event's chat names a group");

    /// <summary>The group an item is about, or null.</summary>
    public GroupKey? TryGroup(JsonElement item, string idField = "id")
    {
        var jid = Wire.Jid(item, idField);
        if (!jid.IsGroup)
            jid = Jid.Parse(Source.ChatJid);
        return jid.IsGroup ? new GroupKey(Tenant, jid.Value) : null;
    }

    // PostgreSQL keeps microseconds; what is compared must be what is stored.
    private static DateTimeOffset Micros(DateTimeOffset time) => new(time.Ticks - time.Ticks % TimeSpan.TicksPerMicrosecond, TimeSpan.Zero);

    /// <summary>What is thrown when the event can never be understood.</summary>
    public static PoisonException Poison(string reason) => new("read", reason);
}
