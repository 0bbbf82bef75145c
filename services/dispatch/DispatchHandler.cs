using Npgsql;
using WhatsAppMesh.Deliveries;
using WhatsAppMesh.Events.V1;

namespace WhatsAppMesh.Dispatch;

/// <summary>Turns events into the timelines of leads and into jobs, a batch at a time.</summary>
public sealed class DispatchHandler : IBatchHandler
{
    /// <inheritdoc/>
    public bool Handles(string type) => false;

    /// <inheritdoc/>
    public Task ApplyAsync(IReadOnlyList<CollectedEvent> events, DeliveryContext context, NpgsqlTransaction transaction, CancellationToken cancellationToken) => Task.CompletedTask;
}
