using System.Net;
using System.Text;
using System.Text.Json;
using Grpc.Net.Client;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Npgsql;
using WhatsAppMesh.Hosting;

namespace WhatsAppMesh.Deliveries.Tests;

/// <summary>One process of a consumer: real Kestrel, real HTTP/2, driven as its sidecar would.</summary>
internal sealed class Replica : IAsyncDisposable
{
    /// <summary>Setting that gives the consumer another name than "consumer".</summary>
    public const string ServiceKey = "Test:Service";

    private readonly WebApplication _app;
    private readonly HttpClient _http = new() { DefaultRequestVersion = HttpVersion.Version20, DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact };

    private Replica(WebApplication app, TestHandler handler)
    {
        _app = app;
        Handler = handler;
        (AppPort, HttpPort) = app.BoundAddresses();
        Channel = GrpcChannel.ForAddress(AppPort);
    }

    public TestHandler Handler { get; }

    public Uri AppPort { get; }

    public Uri HttpPort { get; }

    public GrpcChannel Channel { get; }

    public static async Task<Replica> StartAsync(string connectionString, Uri lake, TestHandler? handler = null, params (string Key, string Value)[] settings)
    {
        handler ??= new TestHandler();
        var builder = WebApplication.CreateSlimBuilder();
        builder.Configuration.AddInMemoryCollection(new Dictionary<string, string?>
        {
            ["APP_PORT"] = "0",
            ["HTTP_PORT"] = "0",
            ["DAPR_GRPC_ENDPOINT"] = lake.ToString(),
            ["Deliveries:Pull"] = "false",
            ["Deliveries:PullInterval"] = "00:00:00.05",
            ["Deliveries:PullGrace"] = "00:00:00.2",
            ["Deliveries:FailureGrace"] = "00:00:00.5",
        });
        builder.Configuration.AddInMemoryCollection(settings.Select(static setting => KeyValuePair.Create(setting.Key, (string?)setting.Value)));
        builder.AddMeshHosting("consumer");
        builder.Logging.ClearProviders();
        builder.Services.AddGrpc();
        builder.Services.AddSingleton(NpgsqlDataSource.Create(connectionString));
        builder.Services.AddSingleton<IBatchHandler>(handler);
        builder.AddDeliveries(builder.Configuration[ServiceKey] ?? "consumer");
        var app = builder.Build();
        app.MapMeshEndpoints();
        app.MapDeliveries();
        await app.StartAsync();
        return new Replica(app, handler);
    }

    public T Service<T>() where T : notnull => _app.Services.GetRequiredService<T>();

    /// <summary>Delivers entries in bulk and returns the status of each, in order.</summary>
    public async Task<string[]> DeliverAsync(params IEnumerable<string> envelopes)
    {
        var (status, answer) = await PostAsync("/events", Envelopes.Bulk(envelopes));
        Assert.Equal(HttpStatusCode.OK, status);
        return [.. answer.GetProperty("statuses").EnumerateArray().Select(static entry => entry.GetProperty("status").GetString()!)];
    }

    /// <summary>Posts JSON to the app port over HTTP/2.</summary>
    public async Task<(HttpStatusCode Status, JsonElement Answer)> PostAsync(string path, string json, string? token = null)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(AppPort, path)) { Content = new StringContent(json, Encoding.UTF8, "application/json") };
        request.Version = HttpVersion.Version20;
        request.VersionPolicy = HttpVersionPolicy.RequestVersionExact;
        if (token is not null)
            request.Headers.Add("dapr-api-token", token);
        using var response = await _http.SendAsync(request);
        var text = await response.Content.ReadAsStringAsync();
        return (response.StatusCode, text.Length == 0 ? default : JsonDocument.Parse(text).RootElement);
    }

    /// <summary>Delivers one dead letter as the sidecar does: the envelope as it was, one by one.</summary>
    public async Task<string> DeliverDeadAsync(string envelope) =>
        (await PostAsync("/events/dead", envelope)).Answer.GetProperty("status").GetString()!;

    public async Task<JsonElement> GetAsync(string path)
    {
        using var http = new HttpClient();
        return JsonDocument.Parse(await http.GetStringAsync(new Uri(HttpPort, path))).RootElement;
    }

    public async Task<string> GetTextAsync(string path)
    {
        using var http = new HttpClient();
        return await http.GetStringAsync(new Uri(HttpPort, path));
    }

    public async ValueTask DisposeAsync()
    {
        Channel.Dispose();
        _http.Dispose();
        var database = _app.Services.GetRequiredService<NpgsqlDataSource>();
        await _app.DisposeAsync();
        await database.DisposeAsync();
    }
}
