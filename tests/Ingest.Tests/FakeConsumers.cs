using Grpc.Core;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using WhatsAppMesh.Deliveries.V1;

namespace WhatsAppMesh.Ingest.Tests;

/// <summary>The accounts of all consumers behind one address, as a sidecar's gRPC port shows them.</summary>
internal sealed class FakeConsumers : IAsyncDisposable
{
    private readonly WebApplication _app;

    private FakeConsumers(WebApplication app) => _app = app;

    public int Port => new Uri(_app.Urls.First()).Port;

    /// <summary>Positions that a consumer has not had, by app id; an app id that is absent cannot be reached.</summary>
    public Dictionary<string, HashSet<long>> Missing { get; } = [];

    public static async Task<FakeConsumers> StartAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(static kestrel => kestrel.Listen(System.Net.IPAddress.Loopback, 0, static listen => listen.Protocols = HttpProtocols.Http2));
        builder.Services.AddGrpc();
        builder.Services.AddSingleton<AccountService>();
        var app = builder.Build();
        var consumers = new FakeConsumers(app);
        app.Services.GetRequiredService<AccountService>().Missing = consumers.Missing;
        app.MapGrpcService<AccountService>();
        await app.StartAsync();
        return consumers;
    }

    public async ValueTask DisposeAsync()
    {
        await _app.StopAsync();
        await _app.DisposeAsync();
    }

    private sealed class AccountService : Account.AccountBase
    {
        public Dictionary<string, HashSet<long>> Missing { get; set; } = [];

        public override Task<GetMissingResponse> GetMissing(GetMissingRequest request, ServerCallContext context)
        {
            if (!Missing.TryGetValue(context.RequestHeaders.GetValue("dapr-app-id")!, out var missing))
                throw new RpcException(new Status(StatusCode.Unavailable, "no such app"));
            var response = new GetMissingResponse();
            foreach (var position in missing.Order())
            {
                if (request.Ranges.Any(range => range.From <= position && position <= range.To))
                    response.Ranges.Add(new PositionRange { Log = 1, From = position, To = position });
            }
            return Task.FromResult(response);
        }
    }
}
