using Grpc.Core;
using Grpc.Net.Client;
using WhatsAppMesh.Hosting;
using WhatsAppMesh.Ingest.V1;

namespace WhatsAppMesh.Deliveries;

/// <summary>Appends what a service derives to the lake, over gRPC through its own sidecar. Its name, and so the events' source, is <see cref="DeliveriesOptions.Service"/>.</summary>
public sealed class LakeSender : IDisposable
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(10);

    private readonly GrpcChannel _channel;
    private readonly Lake.LakeClient _client;
    private readonly Metadata _headers;
    private readonly string _service;
    private readonly TimeProvider _time;

    /// <param name="sidecar">Where the sidecar is.</param>
    /// <param name="options">Which app owns the lake, and who appends.</param>
    /// <param name="time">Clock for deadlines.</param>
    public LakeSender(SidecarSettings sidecar, DeliveriesOptions options, TimeProvider time)
    {
        _time = time;
        _service = options.Service;
        _channel = GrpcChannel.ForAddress(sidecar.GrpcEndpoint);
        _client = new Lake.LakeClient(_channel);
        _headers = LakeReader.Headers(sidecar, options);
    }

    /// <summary>Appends events under deterministic ids, so that a repeated call is harmless.</summary>
    /// <param name="events">At most 1,000 (the lake's limit).</param>
    /// <param name="cancellationToken">Ends the call.</param>
    /// <returns>Where each stands in the log, in the order given.</returns>
    /// <exception cref="LakeException">The lake cannot be asked now, or refuses them.</exception>
    public async Task<IReadOnlyList<AppendResult>> AppendAsync(IEnumerable<DerivedEvent> events, CancellationToken cancellationToken)
    {
        var request = new AppendRequest { Service = _service, Events = { events } };
        try
        {
            using var call = _client.AppendAsync(request, new CallOptions(_headers, _time.GetUtcNow().UtcDateTime + Deadline, cancellationToken));
            return (await call).Results;
        }
        catch (RpcException exception) when (!cancellationToken.IsCancellationRequested)
        {
            throw new LakeException(exception);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _channel.Dispose();
}
