using WhatsAppMesh.Events.V1;

namespace WhatsAppMesh.Deliveries;

/// <summary>One event as it reached this consumer: over the topic, or pulled from the lake.</summary>
/// <param name="Event">The event; null when the envelope could not be read.</param>
/// <param name="Unreadable">Why the envelope could not be read; null when it could.</param>
internal sealed record Delivery(CollectedEvent? Event, Failure? Unreadable = null)
{
    /// <summary>Id of the entry inside a bulk delivery; empty for a single one.</summary>
    public string EntryId { get; init; } = "";

    /// <summary>Names an unreadable envelope across deliveries: its CloudEvent id, or a hash of its bytes. Empty for a readable one.</summary>
    public string EnvelopeKey { get; init; } = "";

    /// <summary>W3C trace context of the event's own trace; empty when the envelope carries none.</summary>
    public string TraceParent { get; init; } = "";

    /// <summary>Trace id of <see cref="TraceParent"/>: 32 hex digits, or empty.</summary>
    public string TraceId => TraceParent is { Length: 55 } trace && trace[2] == '-' ? trace[3..35] : "";

    /// <summary>The envelope's text; only where it is to be stored.</summary>
    public string Envelope { get; init; } = "";

    /// <summary>Log of the event; 0 when it could not be read.</summary>
    public int Log => Event?.Log ?? 0;

    /// <summary>Position of the event; 0 when it could not be read.</summary>
    public long Position => Event?.Position ?? 0;
}

/// <summary>What became of a delivery.</summary>
internal enum Fate
{
    /// <summary>Applied and committed, now.</summary>
    Applied,

    /// <summary>Accounted for before: nothing was done.</summary>
    Known,

    /// <summary>Of a type that the consumer does not handle: accounted for.</summary>
    Ignored,

    /// <summary>Not applied, see the failure.</summary>
    Failed,
}

/// <summary>What became of a delivery, and why when it failed.</summary>
internal readonly record struct Verdict(Fate Fate, Failure? Failure = null)
{
    public static Verdict Failed(Failure failure) => new(Fate.Failed, failure);

    /// <summary>The failure when there is one that makes the event poison.</summary>
    public bool IsPoison => Failure is { Class: FailureClass.Poison };
}
