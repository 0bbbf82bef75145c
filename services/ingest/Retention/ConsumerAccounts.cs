using Grpc.Core;
using Grpc.Net.ClientFactory;
using WhatsAppMesh.Deliveries.V1;
using WhatsAppMesh.Hosting;

namespace WhatsAppMesh.Ingest;

/// <summary>Asks consumers, through this service's sidecar, which positions they still need.</summary>
internal sealed class ConsumerAccounts(GrpcClientFactory clients, DependencyStates dependencies)
{
    private const int MaxRanges = 1_000;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    /// <summary>Registers a client for each consumer.</summary>
    public static void Register(IServiceCollection services, IEnumerable<string> consumers)
    {
        foreach (var consumer in consumers.Distinct(StringComparer.Ordinal))
            services.AddSidecarClient<Account.AccountClient>(consumer, Patience);
        services.AddSingleton<ConsumerAccounts>();
    }

    /// <summary>Why a consumer still needs some of the positions; null when it has had all of them.</summary>
    public async Task<string?> WhyNotYetAsync(string consumer, IReadOnlyList<LogSpan> spans, CancellationToken cancellationToken)
    {
        var state = dependencies.Of($"account of {consumer}", $"'{consumer}' cannot be asked what it still needs, so retention waits");
        var account = clients.CreateClient<Account.AccountClient>(SidecarClients.NameOf<Account.AccountClient>(consumer));
        foreach (var chunk in spans.Chunk(MaxRanges))
        {
            var request = new GetMissingRequest { Ranges = { chunk.Select(static span => new PositionRange { Log = span.Log, From = span.From, To = span.To }) } };
            try
            {
                using var call = account.GetMissingAsync(request, cancellationToken: cancellationToken);
                var missing = (await call).Ranges;
                state.Works();
                if (missing.Count > 0)
                    return $"{consumer} still needs {(missing.Count < MaxRanges ? missing.Sum(static range => range.To - range.From + 1) : "many")} of its events";
            }
            catch (RpcException exception) when (!cancellationToken.IsCancellationRequested)
            {
                state.Fails(exception);
                return $"{consumer} cannot be asked ({exception.StatusCode})";
            }
        }
        return null;
    }
}
