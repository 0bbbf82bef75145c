using System.Diagnostics;
using System.Globalization;
using System.Net.Http.Headers;
using System.Text;
using Grpc.Core;
using Grpc.Net.Client;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Npgsql;
using WhatsAppMesh.Hosting;
using WhatsAppMesh.Ingest;
using WhatsAppMesh.LocalPostgres;
using WhatsAppMesh.Membership;
using WhatsAppMesh.Membership.V1;

namespace WhatsAppMesh.Outage.Tests;

/// <summary>
/// ingest and membership, each with its Kestrel and its database, in this process and on one clock. Events go in at ingest's HTTP port as
/// edge forwards them; membership pulls them over gRPC, and announces joins over it.
/// </summary>
public sealed class TwoServices : IAsyncDisposable
{
    private const string Token = "internal-test-token";

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly List<IAsyncDisposable> _parts = [];
    private readonly HttpClient _http = new();

    private TwoServices()
    {
        // Ahead of the real one: gRPC counts what is left until a deadline by that.
        var now = TimeProvider.System.GetUtcNow();
        Start = new DateTimeOffset(now.Ticks - (now.Ticks % TimeSpan.TicksPerMinute), TimeSpan.Zero).AddMinutes(1);
        Clock = new SharedClock(Start);
    }

    /// <summary>When the clock was started: a full minute.</summary>
    public DateTimeOffset Start { get; }

    /// <summary>What both services take for now.</summary>
    public SharedClock Clock { get; }

    /// <summary>Asks membership.</summary>
    public Membership.V1.Membership.MembershipClient Members { get; private set; } = null!;

    /// <summary>Connection string of ingest's database.</summary>
    public string Lake { get; private set; } = "";

    /// <summary>Connection string of membership's database.</summary>
    public string Groups { get; private set; } = "";

    /// <summary>Starts both.</summary>
    public static async Task<TwoServices> StartAsync()
    {
        var services = new TwoServices();
        var (lake, groups) = (await TestDatabase.CreateAsync(), await TestDatabase.CreateAsync());
        (services.Lake, services.Groups) = (lake.ConnectionString, groups.ConnectionString);
        services._parts.AddRange([lake, groups]);
        var ingest = await services.StartAsync("ingest", lake, static builder => builder.AddIngest(), static app => app.MapIngest(), new()
        {
            ["DAPR_HTTP_PORT"] = "1",
            ["Mesh:InternalToken"] = Token,
            ["Ingest:Publish"] = "false",
        });
        var membership = await services.StartAsync("membership", groups, static builder => builder.AddMembership(), static app => app.MapMembership(), new()
        {
            ["DAPR_GRPC_ENDPOINT"] = ingest.BoundAddresses().App.ToString(),
            ["Deliveries:PullInterval"] = "00:00:00.05",
            ["Deliveries:PullGrace"] = "00:00:00",
            ["Membership:JoinInterval"] = "00:00:00.05",
        });
        services._http.BaseAddress = ingest.BoundAddresses().Http;
        var channel = GrpcChannel.ForAddress(membership.BoundAddresses().App);
        services.Members = new Membership.V1.Membership.MembershipClient(channel);
        return services;
    }

    /// <summary>Posts an event under its id, as edge does; it must be taken.</summary>
    public async Task PostAsync(string eventId, string body, string collector = "default")
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/v2/events") { Content = new ByteArrayContent(Encoding.UTF8.GetBytes(body)) };
        request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        request.Headers.Add("X-Mesh-Token", Token);
        request.Headers.Add("X-Mesh-Tenant", "acme");
        request.Headers.Add("X-Mesh-Source", collector);
        request.Headers.Add("X-Mesh-Event-Id", eventId);
        using var answer = await _http.SendAsync(request);
        Assert.True(answer.IsSuccessStatusCode, $"{(int)answer.StatusCode} for an event");
    }

    /// <summary>Waits until membership has had every event of the lake, and what it announced has come back.</summary>
    public async Task SettledAsync()
    {
        var started = Stopwatch.GetTimestamp();
        while (true)
        {
            var head = await NumberAsync(Lake, "select position from head");
            var done = await NumberAsync(Groups, "select coalesce(max(upper(range)) - 1, 0) from (select unnest(done) as range from deliveries.account) d");
            var waiting = await NumberAsync(Groups, $"select count(*) from member_joins where state = 'sent' or (state = 'pending' and (hold_until is null or hold_until <= '{Clock.GetUtcNow():O}'))");
            if (head == done && waiting == 0 && head == await NumberAsync(Lake, "select position from head") && await AnswersAsync())
                return;
            Assert.True(Stopwatch.GetElapsedTime(started) < Patience, $"not settled: head {head}, done {done}, joins waiting {waiting}");
            await Task.Delay(20);
        }
    }

    // It takes its own time to see that it has had everything.
    private async Task<bool> AnswersAsync()
    {
        try
        {
            await Members.ListGroupsAsync(new ListGroupsRequest { Tenant = "acme" });
            return true;
        }
        catch (RpcException failure) when (failure.StatusCode == StatusCode.Unavailable)
        {
            return false;
        }
    }

    private static async Task<long> NumberAsync(string database, string sql)
    {
        await using var connection = new NpgsqlConnection(database);
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(sql, connection);
        return Convert.ToInt64(await command.ExecuteScalarAsync(), CultureInfo.InvariantCulture);
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        _http.Dispose();
        foreach (var part in Enumerable.Reverse(_parts))
            await part.DisposeAsync();
    }

    private async Task<WebApplication> StartAsync(
        string name, TestDatabase database, Action<WebApplicationBuilder> add, Action<WebApplication> map, Dictionary<string, string?> settings)
    {
        var builder = WebApplication.CreateBuilder();
        builder.Configuration.AddInMemoryCollection(settings);
        builder.Configuration.AddInMemoryCollection(new Dictionary<string, string?>
        {
            ["APP_PORT"] = "0",
            ["HTTP_PORT"] = "0",
            ["ConnectionStrings:Database"] = database.ConnectionString,
        });
        builder.Services.AddSingleton<TimeProvider>(Clock);
        builder.AddMeshHosting(name);
        builder.Logging.ClearProviders();
        add(builder);
        var app = builder.Build();
        app.MapMeshEndpoints();
        map(app);
        await app.StartAsync();
        _parts.Add(app);
        return app;
    }
}
