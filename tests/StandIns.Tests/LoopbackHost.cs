using System.Net;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace WhatsAppMesh.StandIns.Tests;

/// <summary>A real Kestrel on a free port of the loopback address, in cleartext.</summary>
public sealed class LoopbackHost : IAsyncDisposable
{
    private readonly WebApplication _app;

    private LoopbackHost(WebApplication app) => _app = app;

    public string Endpoint => _app.Urls.Single();

    public IServiceProvider Services => _app.Services;

    public static Task<LoopbackHost> StartAsync(RequestDelegate handler, HttpProtocols protocols = HttpProtocols.Http1) =>
        StartAsync(_ => { }, app => app.Run(handler), protocols);

    public static async Task<LoopbackHost> StartAsync(
        Action<IServiceCollection> addServices, Action<WebApplication> configure, HttpProtocols protocols = HttpProtocols.Http1)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0, listen => listen.Protocols = protocols));
        addServices(builder.Services);
        var app = builder.Build();
        configure(app);
        await app.StartAsync();
        return new LoopbackHost(app);
    }

    public ValueTask DisposeAsync() => _app.DisposeAsync();
}
