using Grpc.Core;
using WhatsAppMesh.Ingest.V1;

namespace WhatsAppMesh.Deliveries;

/// <summary>Appends what a service derives to the lake, over gRPC through its own sidecar. Its name, and so the events' source, is <see cref="DeliveriesOptions.Service"/>.</summary>
public sealed class LakeSender(Lake.LakeClient lake, DeliveriesOptions options)
{
    /// <summary>Appends events under deterministic ids, so that a repeated call is harmless.</summary>
    /// <param name="events">At most 1,000 (the lake's limit).</param>
    /// <param name="cancellationToken">Ends the call.</param>
    /// <returns>Where each stands in the log, in the order given.</returns>
    /// <exception cref="LakeException">The lake cannot be asked now, or refuses them.</exception>
    public async Task<IReadOnlyList<AppendResult>> AppendAsync(IEnumerable<DerivedEvent> events, CancellationToken cancellationToken)
    {
        var request = new AppendRequest { Service = options.Service, Events = { events } };
        try
        {
            using var call = lake.AppendAsync(request, cancellationToken: cancellationToken);
            return (await call).Results;
        }
        catch (RpcException exception) when (!cancellationToken.IsCancellationRequested)
        {
            throw new LakeException(exception);
        }
    }
}
