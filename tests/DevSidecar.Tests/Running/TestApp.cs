using System.Collections.Concurrent;
using System.Net;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace WhatsAppMesh.DevSidecar.Tests.Running;

/// <summary>A request that an app was sent.</summary>
internal sealed record SeenRequest(string Method, string PathAndQuery, IReadOnlyDictionary<string, string> Headers, byte[] Body);

/// <summary>An app on a port of its own, over HTTP/2 as behind a sidecar or over HTTP/1.1 as outside the mesh.</summary>
internal sealed class TestApp : IAsyncDisposable
{
    private readonly WebApplication _app;

    private TestApp(WebApplication app, ConcurrentQueue<SeenRequest> seen)
    {
        _app = app;
        Seen = seen;
        Port = new Uri(app.Urls.First()).Port;
    }

    public int Port { get; }

    public string Address => $"http://127.0.0.1:{Port}";

    /// <summary>The requests in the order they came in.</summary>
    public ConcurrentQueue<SeenRequest> Seen { get; }

    /// <summary>Starts an app.</summary>
    /// <param name="map">Maps its endpoints.</param>
    /// <param name="protocol">What its port speaks.</param>
    /// <param name="services">Adds its services.</param>
    /// <param name="port">0 = any free one.</param>
    public static async Task<TestApp> StartAsync(
        Action<WebApplication> map, HttpProtocols protocol = HttpProtocols.Http2, Action<IServiceCollection>? services = null, int port = 0)
    {
        var seen = new ConcurrentQueue<SeenRequest>();
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.Services.AddRouting();
        services?.Invoke(builder.Services);
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, port, listen => listen.Protocols = protocol));
        var app = builder.Build();
        app.Use(async (context, next) =>
        {
            var body = new MemoryStream();
            if (context.Request.ContentType?.StartsWith("application/grpc", StringComparison.Ordinal) != true)
            {
                await context.Request.Body.CopyToAsync(body);
                context.Request.Body = new MemoryStream(body.ToArray());
            }

            var headers = context.Request.Headers.ToDictionary(h => h.Key.ToLowerInvariant(), h => h.Value.ToString());
            var target = context.Features.Get<Microsoft.AspNetCore.Http.Features.IHttpRequestFeature>()!.RawTarget;
            seen.Enqueue(new SeenRequest(context.Request.Method, target, headers, body.ToArray()));
            await next();
        });
        map(app);
        await app.StartAsync();
        return new TestApp(app, seen);
    }

    public async ValueTask DisposeAsync()
    {
        using var hurry = new CancellationTokenSource(TimeSpan.FromMilliseconds(200));
        await _app.StopAsync(hurry.Token);
        await _app.DisposeAsync();
    }
}
