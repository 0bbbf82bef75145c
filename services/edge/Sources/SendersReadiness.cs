using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace WhatsAppMesh.Edge.Sources;

/// <summary>
/// Not ready until the senders' secrets have been read once, or have had their time: a sidecar starts beside the service, not before it.
/// </summary>
public sealed class SendersReadiness(CurrentCatalog current) : IHealthCheck
{
    /// <inheritdoc/>
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default) => Task.FromResult(
        current.HasSettled ? HealthCheckResult.Healthy() : HealthCheckResult.Unhealthy("Some secrets could not be read yet; see the notes."));
}
