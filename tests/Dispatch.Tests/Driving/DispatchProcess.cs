using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using WhatsAppMesh.Hosting;

namespace WhatsAppMesh.Dispatch.Tests.Driving;

/// <summary>The service itself on a database of its own: real Kestrel, real PostgreSQL. It is spoken to as edge's sidecar does.</summary>
public sealed class DispatchProcess : IAsyncDisposable
{
    public const string Token = "token-of-the-test";

    private readonly WebApplication _app;
    private readonly HttpClient _client = new();

    private DispatchProcess(WebApplication app, DispatchDatabase database)
    {
        _app = app;
        Database = database;
        _client.BaseAddress = app.BoundAddresses().App;
    }

    public DispatchDatabase Database { get; }

    public IServiceProvider Services => _app.Services;

    public Uri AppAddress => _client.BaseAddress!;

    public static async Task<DispatchProcess> StartAsync(params (string Key, string Value)[] settings)
    {
        var database = await DispatchDatabase.CreateAsync();
        var builder = WebApplication.CreateBuilder();
        builder.Configuration.AddInMemoryCollection(new Dictionary<string, string?>
        {
            ["APP_PORT"] = "0",
            ["HTTP_PORT"] = "0",
            ["APP_API_TOKEN"] = Token,
            ["ConnectionStrings:Database"] = database.Database.ConnectionString,
            ["Deliveries:Pull"] = "false",
            ["Dispatch:Sending:Mode"] = "Disabled",
        });
        builder.Configuration.AddInMemoryCollection(settings.Select(static one => KeyValuePair.Create(one.Key, (string?)one.Value)));
        builder.AddMeshHosting("dispatch");
        builder.Logging.ClearProviders();
        builder.AddDispatch();
        var app = builder.Build();
        app.MapMeshEndpoints();
        app.MapDispatch();
        await app.StartAsync();
        return new DispatchProcess(app, database);
    }

    /// <summary>Calls a route of the operator API.</summary>
    public async Task<Answer> SendAsync(
        string method, string path, string? body = null, string? tenant = "acme", string role = "operator", string? ifMatch = null, string? token = Token)
    {
        using var request = new HttpRequestMessage(new HttpMethod(method), path)
        {
            Version = HttpVersion.Version20,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
        };
        if (body is not null)
            request.Content = new StringContent(body, Encoding.UTF8, "application/json");
        if (token is not null)
            request.Headers.Add("dapr-api-token", token);
        if (tenant is not null)
            request.Headers.Add("mesh-tenant", tenant);
        request.Headers.Add("mesh-role", role);
        request.Headers.Add("mesh-key", "ana");
        if (ifMatch is not null)
            request.Headers.TryAddWithoutValidation("If-Match", ifMatch);
        using var response = await _client.SendAsync(request);
        var text = await response.Content.ReadAsStringAsync();
        return new Answer((int)response.StatusCode, text.Length > 0 ? JsonNode.Parse(text, documentOptions: new() { MaxDepth = 128 }) : null, response.Headers.ETag?.Tag, response.Headers.RetryAfter?.Delta)
        {
            Raw = text,
            MediaType = response.Content.Headers.ContentType?.MediaType,
        };
    }

    public async ValueTask DisposeAsync()
    {
        _client.Dispose();
        await _app.StopAsync();
        await _app.DisposeAsync();
        await Database.DisposeAsync();
    }
}

/// <summary>An answer of the operator API.</summary>
public sealed record Answer(int Status, JsonNode? Body, string? ETag, TimeSpan? RetryAfter)
{
    public string Raw { get; init; } = "";

    public string? MediaType { get; init; }

    public string? Code => Text("code");

    public string? Text(string name) => Body?[name]?.ToString();

    /// <summary>Fields that are wrong.</summary>
    public IEnumerable<string> Fields => Body?["errors"]?.AsObject().Select(static one => one.Key) ?? [];
}
