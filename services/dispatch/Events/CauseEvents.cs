using WhatsAppMesh.Dispatch.Jobs;
using WhatsAppMesh.Dispatch.Leads;

namespace WhatsAppMesh.Dispatch.Events;

/// <summary>A lead's stage change.</summary>
/// <param name="Facts">What the event tells of the lead.</param>
internal sealed record StageChange(LeadKey Lead, StageEvent Event, IReadOnlyDictionary<string, LeadFact> Facts);

/// <summary>What a batch of events says, by kind.</summary>
internal sealed class CauseEvents
{
    /// <summary>Stage changes: what they cause depends on the whole timeline.</summary>
    public List<StageChange> StageChanges { get; } = [];

    /// <summary>Triggers fired and members joined: each is one cause. Imported ones are left out.</summary>
    public List<Cause> Causes { get; } = [];
}
