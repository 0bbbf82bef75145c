using Grpc.Core;
using Grpc.Net.Client;
using WhatsAppMesh.Hosting;
using WhatsAppMesh.Ingest.V1;

namespace WhatsAppMesh.Membership.Outgoing;

/// <summary>Appends what this service derives to the lake, over gRPC through its own sidecar.</summary>
public sealed class LakeClient : IDisposable
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(10);

    private readonly GrpcChannel _channel;
    private readonly Lake.LakeClient _client;
    private readonly Metadata _headers;
    private readonly TimeProvider _time;

    /// <param name="sidecar">Where the sidecar is.</param>
    /// <param name="options">Which app owns the lake.</param>
    /// <param name="time">Clock for deadlines.</param>
    public LakeClient(SidecarSettings sidecar, DeliveriesOptions options, TimeProvider time)
    {
        _time = time;
        _channel = GrpcChannel.ForAddress(sidecar.GrpcEndpoint);
        _client = new Lake.LakeClient(_channel);
        _headers = new Metadata { { "dapr-app-id", options.LakeAppId } };
        if (sidecar.ApiToken is { } token)
            _headers.Add(SidecarSettings.TokenHeader, token);
    }

    /// <summary>Appends events under deterministic ids, so that a repeated call is harmless.</summary>
    /// <returns>Where each stands in the log, in the order given.</returns>
    /// <exception cref="RpcException">The lake cannot be asked now, or refuses them.</exception>
    public async Task<IReadOnlyList<AppendResult>> AppendAsync(IEnumerable<DerivedEvent> events, CancellationToken cancellationToken)
    {
        var request = new AppendRequest { Service = "membership", Events = { events } };
        using var call = _client.AppendAsync(request, new CallOptions(_headers, _time.GetUtcNow().UtcDateTime + Deadline, cancellationToken));
        return (await call).Results;
    }

    /// <inheritdoc/>
    public void Dispose() => _channel.Dispose();
}
