using System.Collections.Concurrent;
using System.Net;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Logging;

namespace WhatsAppMesh.Edge.Tests.Driving;

/// <summary>A real HTTP server in ingest's place: it records what arrives and answers what a test wants.</summary>
public sealed class FakeIngest : IAsyncDisposable
{
    private readonly WebApplication _app;

    private FakeIngest(WebApplication app) => _app = app;

    /// <summary>Everything that arrived, in order.</summary>
    public ConcurrentQueue<Arrived> Requests { get; } = new();

    /// <summary>Where it listens.</summary>
    public Uri Address => new(_app.Urls.First());

    /// <summary>What it answers; 202 with a small JSON body by default.</summary>
    public Func<HttpContext, Task> Answer { get; set; } =
        static context => AnswerAsync(context, StatusCodes.Status202Accepted, """{"status":"accepted"}""");

    /// <summary>The only request that arrived.</summary>
    public Arrived Single() => Assert.Single(Requests);

    public static async Task<FakeIngest> StartAsync(int port = 0)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.Limits.MaxRequestBodySize = null;
            kestrel.Listen(IPAddress.Loopback, port, static listen => listen.Protocols = HttpProtocols.Http1);
        });
        var app = builder.Build();
        var ingest = new FakeIngest(app);
        app.Run(ingest.TakeAsync);
        await app.StartAsync();
        return ingest;
    }

    public static Task AnswerAsync(HttpContext context, int status, string json)
    {
        context.Response.StatusCode = status;
        context.Response.ContentType = "application/json";
        return context.Response.WriteAsync(json);
    }

    public ValueTask DisposeAsync() => _app.DisposeAsync();

    private async Task TakeAsync(HttpContext context)
    {
        using var body = new MemoryStream();
        await context.Request.Body.CopyToAsync(body);
        var headers = context.Request.Headers.ToDictionary(
            static header => header.Key, static header => header.Value.ToString(), StringComparer.OrdinalIgnoreCase);
        var target = context.Features.Get<IHttpRequestFeature>()!.RawTarget;
        Requests.Enqueue(new Arrived(context.Request.Method, target, headers, body.ToArray()));
        await Answer(context);
    }
}

/// <summary>A request as it arrived at ingest.</summary>
public sealed record Arrived(string Method, string Target, IReadOnlyDictionary<string, string> Headers, byte[] Body)
{
    public string Text => Encoding.UTF8.GetString(Body);

    public string? this[string header] => Headers.GetValueOrDefault(header);
}
