using Npgsql;
using WhatsAppMesh.Events.V1;
using WhatsAppMesh.Membership.Events;
using WhatsAppMesh.Membership.Store;

namespace WhatsAppMesh.Membership;

/// <summary>Turns events into groups, people and memberships, a batch at a time.</summary>
public sealed class MembershipHandler(MembershipOptions options, MembershipMetrics metrics) : IBatchHandler
{
    /// <inheritdoc/>
    public bool Handles(string type) => EventReaders.Reads(type);

    /// <inheritdoc/>
    public async Task ApplyAsync(IReadOnlyList<CollectedEvent> events, DeliveryContext context, NpgsqlTransaction transaction, CancellationToken cancellationToken)
    {
        var observations = EventReaders.Read(events);
        var outcome = await new MembershipStore(transaction, options).ApplyAsync(observations, cancellationToken);
        metrics.Applied(outcome, observations.Skipped);
    }
}
