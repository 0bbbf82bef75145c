using System.Collections.Concurrent;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using WhatsAppMesh.Events;
using WhatsAppMesh.Events.V1;

namespace WhatsAppMesh.Ingest.Tests;

/// <summary>A sidecar's bulk publish over real HTTP: takes what it is given, or answers as told.</summary>
internal sealed class FakeSidecar : IAsyncDisposable
{
    private readonly WebApplication _app;

    private FakeSidecar(WebApplication app) => _app = app;

    public int Port => new Uri(_app.Urls.First()).Port;

    /// <summary>Requests that were taken, in order.</summary>
    public ConcurrentQueue<PublishedRequest> Requests { get; } = new();

    /// <summary>Requests that were refused.</summary>
    public ConcurrentQueue<PublishedRequest> RefusedRequests { get; } = new();

    /// <summary>Status to answer a request with; 204 takes it.</summary>
    public Func<PublishedRequest, int> Decide { get; set; } = static _ => 204;

    public string? ApiToken { get; private set; }

    /// <summary>Every event taken, in order of arrival.</summary>
    public IReadOnlyList<PublishedEvent> Events => [.. Requests.SelectMany(static request => request.Entries)];

    public static async Task<FakeSidecar> StartAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(static kestrel => kestrel.Listen(System.Net.IPAddress.Loopback, 0, static listen => listen.Protocols = HttpProtocols.Http1));
        var app = builder.Build();
        var sidecar = new FakeSidecar(app);
        app.MapGet("/v1.0/healthz/outbound", static () => Results.NoContent());
        app.MapPost("/v1.0/publish/bulk/{pubsub}/{topic}", sidecar.TakeAsync);
        await app.StartAsync();
        return sidecar;
    }

    public async ValueTask DisposeAsync()
    {
        await _app.StopAsync();
        await _app.DisposeAsync();
    }

    private async Task TakeAsync(HttpContext context, string pubsub, string topic)
    {
        using var body = new MemoryStream();
        await context.Request.Body.CopyToAsync(body);
        ApiToken = context.Request.Headers["dapr-api-token"];
        var request = PublishedRequest.Read(pubsub, topic, body.ToArray());
        var status = Decide(request);
        (status == 204 ? Requests : RefusedRequests).Enqueue(request);
        context.Response.StatusCode = status;
        if (status != 204)
            await context.Response.WriteAsync("""{"errorCode":"ERR_PUBSUB_PUBLISH_MESSAGE","message":"no"}""");
    }
}

internal sealed record PublishedRequest(string PubSub, string Topic, int Bytes, IReadOnlyList<PublishedEvent> Entries)
{
    public static PublishedRequest Read(string pubsub, string topic, byte[] body)
    {
        using var json = JsonDocument.Parse(body, new JsonDocumentOptions { MaxDepth = 512 });
        return new(pubsub, topic, body.Length, [.. json.RootElement.EnumerateArray().Select(static entry => new PublishedEvent(
            entry.GetProperty("entryId").GetString()!,
            entry.GetProperty("contentType").GetString()!,
            entry.GetProperty("metadata").EnumerateObject().ToDictionary(static pair => pair.Name, static pair => pair.Value.GetString()!),
            CollectedEventJson.Parse(Encoding.UTF8.GetBytes(entry.GetProperty("event").GetRawText()))))]);
    }
}

internal sealed record PublishedEvent(string EntryId, string ContentType, Dictionary<string, string> Metadata, CollectedEvent Event);
