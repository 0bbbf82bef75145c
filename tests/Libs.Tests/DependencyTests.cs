using System.Net;
using System.Text.Json;
using System.Text.Json.Nodes;
using Grpc.Core;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using WhatsAppMesh.Hosting;
using WhatsAppMesh.Libs.Tests.Scraping;

namespace WhatsAppMesh.Libs.Tests;

/// <summary>What is said when something that a service needs fails, and when it works again.</summary>
public sealed class DependencyTests
{
    [Fact]
    public void A_failure_is_said_once_until_it_changes_or_ends_and_counted_each_time()
    {
        using var seen = new SeenDependencies();
        var store = seen.States.Of("claims", "Claims cannot be written in the state store 'claims'");

        store.Works();
        Assert.Empty(seen.Logs.OfDependencies);
        store.Fails("unavailable");
        store.Fails("unavailable");
        store.Fails(new RpcException(new Status(StatusCode.PermissionDenied, "acme key 12025550103")));
        store.Works();
        store.Works();
        store.Fails("unavailable");

        Assert.Equal(
            [
                "Degraded, claims: Claims cannot be written in the state store 'claims' (unavailable). Said once until it changes",
                "Degraded, claims: Claims cannot be written in the state store 'claims' (permission_denied). Said once until it changes",
                "No longer degraded, claims: it works again",
                "Degraded, claims: Claims cannot be written in the state store 'claims' (unavailable). Said once until it changes",
            ],
            seen.Logs.OfDependencies);
        Assert.Equal(
            ((string[])["unavailable", "unavailable", "permission_denied", "unavailable"])
                .Select(static code => $"mesh_dependency_failures_total{{dependency=claims,code={code}}}"),
            seen.Counted);
        Assert.Equal("Claims cannot be written in the state store 'claims' (unavailable).", seen.States.Degraded["claims"]);
    }

    [Fact]
    public void A_failure_that_is_only_counted_degrades_nothing()
    {
        using var seen = new SeenDependencies();

        seen.States.Of("broker", "It fails").Count(new HttpRequestException("no", null, HttpStatusCode.BadGateway));

        Assert.Empty(seen.States.Degraded);
        Assert.Empty(seen.Logs.OfDependencies);
        Assert.Equal(["mesh_dependency_failures_total{dependency=broker,code=502}"], seen.Counted);
    }

    [Fact]
    public async Task Many_at_once_say_a_failure_and_a_recovery_once()
    {
        using var seen = new SeenDependencies();
        var state = seen.States.Of("lake", "It fails");

        await Task.WhenAll(Enumerable.Range(0, 32).Select(_ => Task.Run(() => state.Fails("timeout"))));
        await Task.WhenAll(Enumerable.Range(0, 32).Select(_ => Task.Run(state.Works)));

        Assert.Equal(2, seen.Logs.OfDependencies.Count);
        Assert.Equal(32, seen.Counted.Count);
    }

    [Fact]
    public async Task Probes_say_degraded_with_status_200_and_ready_again_when_it_is_over()
    {
        await using var app = await StartAsync();
        using var client = new HttpClient { BaseAddress = app.BoundAddresses().Http };
        Assert.Equal("ok", await client.GetStringAsync("/healthz"));
        var states = app.Services.GetRequiredService<DependencyStates>();
        states.Of("claims", "Claims cannot be read").Fails("42P01");
        states.Of("lake", "It is slow").Works();

        foreach (var path in (string[])["/readyz", "/healthz"])
        {
            using var answer = await client.GetAsync(path);
            Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
            var body = JsonNode.Parse(await answer.Content.ReadAsStringAsync())!;
            Assert.Equal("degraded", body["status"]!.GetValue<string>());
            Assert.Equal("""{"claims":"Claims cannot be read (42P01)."}""", body["degraded"]!.ToJsonString());
        }

        Assert.Equal(
            ["mesh_dependency_degraded{dependency=\"claims\"} 1", "mesh_dependency_degraded{dependency=\"lake\"} 0"], await GaugeAsync(client));
        states.Of("claims", "").Works();
        Assert.Equal("ok", await client.GetStringAsync("/healthz"));
        Assert.Equal("""{"status":"ready","checks":{}}""", await client.GetStringAsync("/readyz"));
        Assert.Equal(
            ["mesh_dependency_degraded{dependency=\"claims\"} 0", "mesh_dependency_degraded{dependency=\"lake\"} 0"], await GaugeAsync(client));
    }

    [Fact]
    public async Task A_detail_of_health_that_cannot_be_told_is_left_out_and_named()
    {
        await using var app = await StartAsync(static services => services.AddSingleton<IHealthDetail, BrokenDetail>());
        using var client = new HttpClient { BaseAddress = app.BoundAddresses().Http };

        await client.GetStringAsync("/healthz");
        var second = JsonNode.Parse(await client.GetStringAsync("/healthz"))!;

        Assert.Equal("The part broken of /healthz cannot be told (malformed).", second["degraded"]!["health detail broken"]!.GetValue<string>());
        Assert.Null(second["broken"]);
    }

    [Fact]
    public async Task Metrics_of_dependencies_keep_their_names_and_labels()
    {
        var scraped = await ScrapedMetrics.OfAsync(
            static _ => { }, static services => services.GetRequiredService<DependencyStates>().Of("claims", "They fail").Fails("internal"));

        Assert.Superset(
            new HashSet<string> { "mesh_dependency_degraded gauge {dependency}", "mesh_dependency_failures_total counter {code,dependency}" }, scraped.ToHashSet());
    }

    public static TheoryData<Exception, string> Failures => new()
    {
        { new RpcException(new Status(StatusCode.PermissionDenied, "no")), "permission_denied" },
        { new Dapr.DaprException("no", new RpcException(new Status(StatusCode.Unauthenticated, "no"))), "unauthenticated" },
        { new Dapr.DaprException("no", new JsonException("no")), "malformed" },
        { new PostgresException("no", "ERROR", "ERROR", "42P01"), "42P01" },
        { new NpgsqlException("no", new TimeoutException()), "timeout" },
        { new NpgsqlException("no"), "no_connection" },
        { new HttpRequestException("no", null, HttpStatusCode.Forbidden), "403" },
        { new HttpRequestException(HttpRequestError.ConnectionError), "no_connection" },
        { new HttpRequestException(HttpRequestError.ResponseEnded), "broken_answer" },
        { new TaskCanceledException(), "timeout" },
        { new InvalidOperationException("12025550103@s.whatsapp.net"), "invalid_operation" },
    };

    [Theory]
    [MemberData(nameof(Failures))]
    public void A_failure_has_a_code_that_tells_nothing_of_what_it_met(Exception exception, string code) => Assert.Equal(code, FailureCode.Of(exception));

    private static async Task<IEnumerable<string>> GaugeAsync(HttpClient client) =>
        (await client.GetStringAsync("/metrics")).Split('\n').Where(static line => line.StartsWith("mesh_dependency_degraded{", StringComparison.Ordinal))
            .Where(static line => !line.Contains("sidecar", StringComparison.Ordinal)).Order(StringComparer.Ordinal);

    private static async Task<WebApplication> StartAsync(Action<IServiceCollection>? change = null)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Configuration.AddInMemoryCollection(new Dictionary<string, string?> { ["APP_PORT"] = "0", ["HTTP_PORT"] = "0", ["DAPR_HTTP_ENDPOINT"] = "http://127.0.0.1:9" });
        builder.AddMeshHosting("test");
        change?.Invoke(builder.Services);
        var app = builder.Build();
        app.MapMeshEndpoints();
        await app.StartAsync();
        return app;
    }

    private sealed class BrokenDetail : IHealthDetail
    {
        public string Name => "broken";

        public ValueTask<JsonNode?> ReadAsync(CancellationToken cancellationToken) => throw new JsonException("no");
    }
}
