using System.Net.Http.Headers;
using System.Text;
using Grpc.Net.Client;
using Npgsql;
using WhatsAppMesh.Hosting;
using WhatsAppMesh.LocalPostgres;

namespace WhatsAppMesh.Ingest.Tests;

/// <summary>One real ingest process, in this one: real Kestrel on free ports, a real database, and a sidecar or none.</summary>
internal sealed class IngestUnderTest : IAsyncDisposable
{
    public const string Token = "internal-test-token";

    private readonly WebApplication _app;

    private IngestUnderTest(WebApplication app)
    {
        _app = app;
        var (appAddress, httpAddress) = app.BoundAddresses();
        AppAddress = appAddress;
        Http = new HttpClient(new SocketsHttpHandler { MaxConnectionsPerServer = 128 }) { BaseAddress = httpAddress };
        Channel = GrpcChannel.ForAddress(appAddress);
    }

    public Uri AppAddress { get; }

    public HttpClient Http { get; }

    public GrpcChannel Channel { get; }

    public IServiceProvider Services => _app.Services;

    public static async Task<IngestUnderTest> StartAsync(
        string connectionString, FakeSidecar? sidecar = null, TimeProvider? clock = null, params (string Key, string Value)[] settings)
    {
        var builder = WebApplication.CreateBuilder();
        builder.Logging.ClearProviders();
        builder.Configuration.AddInMemoryCollection(new Dictionary<string, string?>
        {
            ["APP_PORT"] = "0",
            ["HTTP_PORT"] = "0",
            ["DAPR_HTTP_PORT"] = sidecar?.Port.ToString() ?? "1",
            ["ConnectionStrings:Database"] = connectionString,
            ["Mesh:InternalToken"] = Token,
            ["Ingest:Publish"] = sidecar is null ? "false" : "true",
            ["Ingest:PublishRetry"] = "00:00:00.020",
            ["Ingest:PublisherPoll"] = "00:00:00.200",
        });
        builder.Configuration.AddInMemoryCollection(settings.ToDictionary(static setting => setting.Key, static setting => (string?)setting.Value));
        if (clock is not null)
            builder.Services.AddSingleton(clock);
        builder.AddMeshHosting("ingest");
        builder.Logging.ClearProviders();
        builder.AddIngest();
        var app = builder.Build();
        app.MapMeshEndpoints();
        app.MapIngest();
        await app.StartAsync();
        await app.Services.GetRequiredService<LakeDatabase>().EnsureSchemaAsync(default);
        return new IngestUnderTest(app);
    }

    /// <summary>A request as edge forwards it.</summary>
    public static HttpRequestMessage Request(
        string path, string body, string? eventId = null, string tenant = "acme", string source = "wpp-tui", params (string Name, string Value)[] headers) =>
        Request(path, Encoding.UTF8.GetBytes(body), eventId, tenant, source, headers);

    public static HttpRequestMessage Request(
        string path, byte[] body, string? eventId = null, string tenant = "acme", string source = "wpp-tui", params (string Name, string Value)[] headers)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = new ByteArrayContent(body) };
        request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        request.Headers.Add("X-Mesh-Token", Token);
        request.Headers.Add("X-Mesh-Tenant", tenant);
        request.Headers.Add("X-Mesh-Source", source);
        if (eventId is not null)
            request.Headers.TryAddWithoutValidation("X-Mesh-Event-Id", eventId);
        foreach (var (name, value) in headers)
            request.Headers.TryAddWithoutValidation(name, value);
        return request;
    }

    public Task<HttpResponseMessage> PostAsync(
        string path, string body, string? eventId = null, string tenant = "acme", string source = "wpp-tui", params (string Name, string Value)[] headers) =>
        Http.SendAsync(Request(path, body, eventId, tenant, source, headers));

    public async Task<(int Status, string Body)> SendAsync(HttpRequestMessage request)
    {
        using var answer = await Http.SendAsync(request);
        return ((int)answer.StatusCode, await answer.Content.ReadAsStringAsync());
    }

    public Task<(int Status, string Body)> PostV2Async(string eventId, string body, string tenant = "acme", string source = "wpp-tui") =>
        SendAsync(Request("/v2/events", body, eventId, tenant, source));

    public async ValueTask DisposeAsync()
    {
        Http.Dispose();
        Channel.Dispose();
        await _app.StopAsync();
        await _app.DisposeAsync();
    }
}

/// <summary>An ingest and its database for all tests of a class: each test is a tenant of its own.</summary>
public sealed class SharedIngest : IAsyncLifetime
{
    private TestDatabase? _database;
    private IngestUnderTest? _ingest;

    internal IngestUnderTest Ingest => _ingest!;

    internal string Database => _database!.ConnectionString;

    public async Task InitializeAsync()
    {
        _database = await TestDatabase.CreateAsync();
        _ingest = await IngestUnderTest.StartAsync(Database);
    }

    public async Task DisposeAsync()
    {
        await _ingest!.DisposeAsync();
        await _database!.DisposeAsync();
    }
}

/// <summary>What tests ask a database directly.</summary>
internal static class DatabaseQuestions
{
    public static async Task<T> ScalarAsync<T>(this string connectionString, string sql)
    {
        await using var connection = new NpgsqlConnection(connectionString);
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(sql, connection);
        return (T)(await command.ExecuteScalarAsync())!;
    }

    public static async Task ExecuteAsync(this string connectionString, string sql)
    {
        await using var connection = new NpgsqlConnection(connectionString);
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(sql, connection) { CommandTimeout = 120 };
        await command.ExecuteNonQueryAsync();
    }

    public static async Task<List<T>> ListAsync<T>(this string connectionString, string sql)
    {
        await using var connection = new NpgsqlConnection(connectionString);
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(sql, connection);
        await using var reader = await command.ExecuteReaderAsync();
        var values = new List<T>();
        while (await reader.ReadAsync())
            values.Add(reader.GetFieldValue<T>(0));
        return values;
    }
}

/// <summary>Waiting for what happens in the background, with a deadline.</summary>
internal static class Eventually
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    public static async Task TrueAsync(Func<Task<bool>> condition, string what, TimeSpan? patience = null)
    {
        var start = TimeProvider.System.GetTimestamp();
        while (!await condition())
        {
            Assert.True(TimeProvider.System.GetElapsedTime(start) < (patience ?? Patience), $"Waited in vain for {patience ?? Patience}: {what}");
            await Task.Delay(10);
        }
    }

    public static Task TrueAsync(Func<bool> condition, string what) => TrueAsync(() => Task.FromResult(condition()), what);
}
