using System.Text.Json;

namespace WhatsAppMesh.Collector;

/// <summary>One event as a collector keeps it in its outbox, before it is put into an envelope and signed.</summary>
/// <param name="EventId">Id by the collector's own rule (<see cref="EventIds"/>): the same event always has the same id.</param>
/// <param name="Type">Event type, for example <c>messages.upsert</c>.</param>
/// <param name="ChatJid">Chat the event belongs to, usually a group; null when it has none.</param>
/// <param name="Payload">The payload as UTF-8 JSON.</param>
public sealed record CollectorEvent(Guid EventId, string Type, string? ChatJid, ReadOnlyMemory<byte> Payload)
{
    /// <summary>Who acted; only the first-generation envelope says it outside the payload.</summary>
    public string? ParticipantJid { get; init; }

    /// <summary>The actor's other identity; only the first-generation envelope says it outside the payload.</summary>
    public string? ParticipantAlt { get; init; }

    /// <summary>When it happened. The first-generation envelope requires it; the second has no place for it.</summary>
    public DateTimeOffset? OccurredAt { get; init; }

    /// <summary>Makes an event from a payload and gives it the id that a collector would.</summary>
    public static CollectorEvent Create(string type, string? chatJid, byte[] payload)
    {
        using var document = JsonDocument.Parse(payload);
        return new CollectorEvent(EventIds.For(type, document.RootElement), type, chatJid, payload);
    }
}
