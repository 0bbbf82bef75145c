using System.Collections.Concurrent;
using System.Net;
using Dapr.Client;
using Microsoft.AspNetCore.Http.Features;

namespace WhatsAppMesh.StandIns.Tests;

/// <summary>A sidecar that answers as it is told and remembers what it was asked.</summary>
public sealed class ScriptedSidecar : IAsyncDisposable
{
    private readonly ConcurrentQueue<Request> _requests = new();
    private LoopbackHost? _host;
    private DaprClient? _client;

    public string Endpoint => _host!.Endpoint;

    public DaprClient Client => _client ??= new DaprClientBuilder().UseHttpEndpoint(Endpoint).Build();

    public IReadOnlyCollection<Request> Requests => _requests;

    public static Task<ScriptedSidecar> StartAsync(HttpStatusCode status, string body = "") => StartAsync(_ => (status, body));

    public static async Task<ScriptedSidecar> StartAsync(Func<Request, (HttpStatusCode Status, string Body)> answer)
    {
        var sidecar = new ScriptedSidecar();
        sidecar._host = await LoopbackHost.StartAsync(async context =>
        {
            var request = new Request(
                context.Request.Method,
                context.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget,
                context.Request.Headers.ToDictionary(header => header.Key, header => header.Value.ToString(), StringComparer.OrdinalIgnoreCase),
                await new StreamReader(context.Request.Body).ReadToEndAsync(context.RequestAborted));
            sidecar._requests.Enqueue(request);
            var (status, body) = answer(request);
            context.Response.StatusCode = (int)status;
            if (body.Length > 0)
                await context.Response.WriteAsync(body);
        });
        return sidecar;
    }

    public ValueTask DisposeAsync()
    {
        _client?.Dispose();
        return _host!.DisposeAsync();
    }

    public sealed record Request(string Method, string Target, IReadOnlyDictionary<string, string> Headers, string Body)
    {
        public string? Header(string name) => Headers.GetValueOrDefault(name);
    }
}
