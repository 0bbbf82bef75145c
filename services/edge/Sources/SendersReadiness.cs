using WhatsAppMesh.Hosting;

namespace WhatsAppMesh.Edge.Sources;

/// <summary>
/// Not ready until the senders' secrets have been read once, or have had their time: a sidecar starts beside the service, not before it.
/// </summary>
public sealed class SendersReadiness(CurrentCatalog current) : IReadinessCheck
{
    /// <inheritdoc/>
    public string Name => "senders";

    /// <inheritdoc/>
    public Task<string?> CheckAsync(CancellationToken cancellationToken) =>
        Task.FromResult(current.HasSettled ? null : "Some secrets could not be read yet; see the notes.");
}
