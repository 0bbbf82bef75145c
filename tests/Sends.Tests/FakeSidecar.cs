using System.Net;
using Dapr.Client;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace WhatsAppMesh.Sends.Tests;

/// <summary>Answers in a sidecar's place as a test tells it to.</summary>
internal sealed class FakeSidecar : IAsyncDisposable
{
    private readonly WebApplication _app;

    private FakeSidecar(WebApplication app)
    {
        _app = app;
        Client = new DaprClientBuilder().UseHttpEndpoint(app.Urls.First()).Build();
    }

    public DaprClient Client { get; }

    public static async Task<FakeSidecar> StartAsync(RequestDelegate answer)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(static kestrel => kestrel.Listen(IPAddress.Loopback, 0, static listen => listen.Protocols = HttpProtocols.Http1));
        var app = builder.Build();
        app.Run(answer);
        await app.StartAsync();
        return new FakeSidecar(app);
    }

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        await _app.StopAsync();
        await _app.DisposeAsync();
    }
}
