using Grpc.Core;
using Grpc.Net.Client;
using WhatsAppMesh.Deliveries.V1;
using WhatsAppMesh.Hosting;

namespace WhatsAppMesh.Ingest;

/// <summary>Asks consumers, through this service's sidecar, which positions they still need.</summary>
internal sealed class ConsumerAccounts : IDisposable
{
    private const int MaxRanges = 1_000;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly GrpcChannel _channel;
    private readonly Account.AccountClient _client;
    private readonly SidecarSettings _sidecar;
    private readonly TimeProvider _clock;

    public ConsumerAccounts(SidecarSettings sidecar, TimeProvider clock)
    {
        (_sidecar, _clock) = (sidecar, clock);
        _channel = GrpcChannel.ForAddress(sidecar.GrpcEndpoint);
        _client = new Account.AccountClient(_channel);
    }

    /// <summary>Why a consumer still needs some of the positions; null when it has had all of them.</summary>
    public async Task<string?> WhyNotYetAsync(string consumer, IReadOnlyList<LogSpan> spans, CancellationToken cancellationToken)
    {
        var headers = new Metadata { { "dapr-app-id", consumer } };
        if (_sidecar.ApiToken is { } token)
            headers.Add(SidecarSettings.TokenHeader, token);
        foreach (var chunk in spans.Chunk(MaxRanges))
        {
            var request = new GetMissingRequest { Ranges = { chunk.Select(static span => new PositionRange { Log = span.Log, From = span.From, To = span.To }) } };
            using var patience = new CancellationTokenSource(Patience, _clock);
            using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, patience.Token);
            try
            {
                using var call = _client.GetMissingAsync(request, new CallOptions(headers, cancellationToken: stop.Token));
                var missing = (await call).Ranges;
                if (missing.Count > 0)
                    return $"{consumer} still needs {(missing.Count < MaxRanges ? missing.Sum(static range => range.To - range.From + 1) : "many")} of its events";
            }
            catch (RpcException exception) when (!cancellationToken.IsCancellationRequested)
            {
                return $"{consumer} cannot be asked ({exception.StatusCode})";
            }
        }
        return null;
    }

    /// <inheritdoc/>
    public void Dispose() => _channel.Dispose();
}
