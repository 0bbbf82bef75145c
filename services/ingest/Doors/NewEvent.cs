namespace WhatsAppMesh.Ingest;

/// <summary>One event, read and normalised, on its way into the lake.</summary>
internal sealed record NewEvent
{
    /// <summary>Tenant that owns it, as edge verified it.</summary>
    public required string Tenant { get; init; }

    /// <summary>Who delivered it, and through which door: see <see cref="Events.EventOrigin"/>.</summary>
    public required string Source { get; init; }

    /// <summary>Id the source gave. Opaque.</summary>
    public required Guid EventId { get; init; }

    /// <summary>1 to 100 characters, open set.</summary>
    public required string Type { get; init; }

    /// <summary>Chat it belongs to, as sent; null when it names none.</summary>
    public string? ChatJid { get; init; }

    /// <summary>Who acted, as sent; null when unknown.</summary>
    public string? ParticipantJid { get; init; }

    /// <summary>The actor's other identity, as sent; null when unknown.</summary>
    public string? ParticipantAlt { get; init; }

    /// <summary>When it happened, and which field says so.</summary>
    public required Occurrence Occurred { get; init; }

    /// <summary>When we got it: our clock.</summary>
    public required DateTimeOffset ReceivedAt { get; init; }

    /// <summary>JSON text, sanitised, else as sent. Memory of the request: valid until the append has ended.</summary>
    public required ReadOnlyMemory<byte> Payload { get; init; }

    /// <summary>What tells it, under its id, from what is known.</summary>
    public required DedupKey Key { get; init; }

    /// <summary>True when the first body under its id is the only one: another one is refused, not stored as a revision.</summary>
    public bool IsNeverRevised { get; init; }

    /// <summary>When it was imported, by our clock; null unless it comes from an export.</summary>
    public DateTimeOffset? ImportedAt { get; init; }

    /// <summary>True when it comes from an export: nothing is started because of it.</summary>
    public bool IsImported => ImportedAt is not null;

    /// <summary>W3C trace context of the request; null when there was none.</summary>
    public string? TraceParent { get; init; }
}

/// <summary>When an event happened.</summary>
/// <param name="At">UTC, at most 5 minutes after it was received.</param>
/// <param name="Source">Field it came from; <see cref="EventTime.Untimed"/> when the event carries no usable time.</param>
internal readonly record struct Occurrence(DateTimeOffset At, string Source);
