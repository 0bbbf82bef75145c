using WhatsAppMesh.Events.V1;
using WhatsAppMesh.Ingest.V1;

namespace WhatsAppMesh.Edge.Operator;

/// <summary>An event of the lake as the API shows it. Lists leave the payload out; a single event has it, for operators alone.</summary>
internal sealed record EventView(
    int Log, long Position, string Tenant, string Source, string EventId, int Revision, string Type, string? ChatJid, string? ParticipantJid,
    string? ParticipantAlt, DateTime? OccurredAt, string OccurredAtSource, DateTime? ReceivedAt, bool? Imported, RawJson? Payload)
{
    public static EventView Of(CollectedEvent value, bool withPayload) => new(
        value.Log, value.Position, value.Tenant, value.Source, value.EventId, value.Revision, value.Type, value.ChatJid.NullIfEmpty(),
        value.ParticipantJid.NullIfEmpty(), value.ParticipantAlt.NullIfEmpty(), Rfc3339.Of(value.OccurredAt), value.OccurredAtSource,
        Rfc3339.Of(value.ReceivedAt), value.Imported ? true : null, withPayload ? RawJson.Of(value.PayloadJson) : null);
}

/// <summary>A page of events, newest received first.</summary>
internal sealed record EventPage(IReadOnlyList<EventView> Events, string? NextPageToken);

/// <summary>Counts of a tenant's events; what concerns the whole installation is for its own keys alone.</summary>
internal sealed record StatsView(
    string Tenant, long Events, long Revisions, IReadOnlyDictionary<string, long> ByType, long? Unpublished, double? UnpublishedOldestAgeSeconds)
{
    public static StatsView Of(string tenant, GetStatsResponse stats, bool forInstallation) => new(
        tenant, stats.Events, stats.Revisions, new SortedDictionary<string, long>(stats.ByType, StringComparer.Ordinal),
        forInstallation ? stats.Unpublished : null, forInstallation ? stats.UnpublishedOldestAgeSeconds : null);
}
