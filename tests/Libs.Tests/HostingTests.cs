using System.Diagnostics.Metrics;
using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using WhatsAppMesh.Hosting;

namespace WhatsAppMesh.Libs.Tests;

public sealed class HostingTests : IAsyncLifetime
{
    private readonly Switch _switch = new();
    private readonly string _meterName = "WhatsAppMesh.Test." + Guid.NewGuid().ToString("N");
    private readonly HttpClient _client = new();
    private WebApplication _app = null!;
    private Uri _appPort = null!;
    private Uri _httpPort = null!;

    public async Task InitializeAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Configuration.AddInMemoryCollection(new Dictionary<string, string?> { ["APP_PORT"] = "0", ["HTTP_PORT"] = "0", ["APP_API_TOKEN"] = "right" });
        builder.AddMeshHosting("test");
        builder.Services.AddSingleton(_switch);
        builder.Services.AddHealthChecks().AddReadiness<Switch>("switch");
        _app = builder.Build();
        _app.MapMeshEndpoints();
        _app.MapPost("/events", () => "taken").OnAppPort().RequireSidecarToken();
        await _app.StartAsync();
        (_appPort, _httpPort) = _app.BoundAddresses();
    }

    public async Task DisposeAsync()
    {
        _client.Dispose();
        await _app.DisposeAsync();
    }

    [Fact]
    public async Task The_app_port_speaks_HTTP2_only_and_the_HTTP_port_HTTP1_only()
    {
        using var events = await SendAsync(HttpMethod.Post, new Uri(_appPort, "/events"), HttpVersion.Version20, "right");
        Assert.Equal(HttpVersion.Version20, events.Version);
        using var refused = await SendAsync(HttpMethod.Post, new Uri(_appPort, "/events"), HttpVersion.Version11, "right");
        Assert.Equal(HttpStatusCode.BadRequest, refused.StatusCode);
        await Assert.ThrowsAsync<HttpRequestException>(() => SendAsync(HttpMethod.Get, new Uri(_httpPort, "/healthz"), HttpVersion.Version20));
    }

    [Fact]
    public async Task An_endpoint_of_one_port_is_unknown_on_the_other()
    {
        Assert.Equal(HttpStatusCode.NotFound, (await SendAsync(HttpMethod.Post, new Uri(_httpPort, "/events"), HttpVersion.Version11, "right")).StatusCode);
        Assert.Equal(HttpStatusCode.NotFound, (await SendAsync(HttpMethod.Get, new Uri(_appPort, "/healthz"), HttpVersion.Version20)).StatusCode);
    }

    [Theory]
    [InlineData("right", HttpStatusCode.OK)]
    [InlineData("wrong", HttpStatusCode.Unauthorized)]
    [InlineData(null, HttpStatusCode.Unauthorized)]
    public async Task Only_the_sidecar_reaches_a_guarded_endpoint(string? token, HttpStatusCode expected)
    {
        using var answer = await SendAsync(HttpMethod.Post, new Uri(_appPort, "/events"), HttpVersion.Version20, token);
        Assert.Equal(expected, answer.StatusCode);
        if (expected == HttpStatusCode.Unauthorized)
            Assert.Contains("\"code\":\"unauthorized\"", await answer.Content.ReadAsStringAsync());
    }

    [Fact]
    public async Task Readiness_names_each_check_and_what_is_wrong()
    {
        using (var ready = await SendAsync(HttpMethod.Get, new Uri(_httpPort, "/readyz"), HttpVersion.Version11))
            Assert.Equal((HttpStatusCode.OK, """{"status":"ready","checks":{"switch":"ok"}}"""), (ready.StatusCode, await ready.Content.ReadAsStringAsync()));

        _switch.Problem = "It is off.";
        using var notReady = await SendAsync(HttpMethod.Get, new Uri(_httpPort, "/readyz"), HttpVersion.Version11);
        Assert.Equal((HttpStatusCode.ServiceUnavailable, """{"status":"not ready","checks":{"switch":"It is off."}}"""), (notReady.StatusCode, await notReady.Content.ReadAsStringAsync()));
    }

    [Fact]
    public async Task Metrics_come_out_in_the_text_format_of_Prometheus()
    {
        using var meter = new Meter(_meterName);
        meter.CreateCounter<long>("mesh_things_total", description: "Things seen.").Add(3, new KeyValuePair<string, object?>("kind", "a\"b\\c\nd"));
        meter.CreateHistogram<double>("mesh_wait_seconds", unit: "s", advice: new InstrumentAdvice<double> { HistogramBucketBoundaries = [0.1, 1] }).Record(0.5);
        meter.CreateObservableGauge("mesh.level", () => 1.5);

        using var answer = await SendAsync(HttpMethod.Get, new Uri(_httpPort, "/metrics"), HttpVersion.Version11);
        var lines = (await answer.Content.ReadAsStringAsync()).Split('\n');

        Assert.Contains("# HELP mesh_things_total Things seen.", lines);
        Assert.Contains("# TYPE mesh_things_total counter", lines);
        Assert.Contains("""mesh_things_total{kind="a\"b\\c\nd"} 3""", lines);
        Assert.Contains("""mesh_wait_seconds_bucket{le="0.1"} 0""", lines);
        Assert.Contains("""mesh_wait_seconds_bucket{le="1"} 1""", lines);
        Assert.Contains("""mesh_wait_seconds_bucket{le="+Inf"} 1""", lines);
        Assert.Contains("mesh_wait_seconds_sum{} 0.5", lines);
        Assert.Contains("mesh_level{} 1.5", lines);
    }

    [Theory]
    [InlineData("APP_PORT", "70000")]
    [InlineData("HTTP_PORT", "web")]
    [InlineData("BIND_ADDRESS", "everywhere")]
    public void A_bad_port_setting_is_named_with_its_value(string key, string value)
    {
        var configuration = new ConfigurationBuilder().AddInMemoryCollection([new(key, value)]).Build();
        var exception = Assert.Throws<InvalidOperationException>(() => MeshPorts.Read(configuration));
        Assert.StartsWith($"{key} is '{value}'", exception.Message, StringComparison.Ordinal);
    }

    private async Task<HttpResponseMessage> SendAsync(HttpMethod method, Uri uri, Version version, string? token = null)
    {
        using var request = new HttpRequestMessage(method, uri) { Version = version, VersionPolicy = HttpVersionPolicy.RequestVersionExact };
        if (token is not null)
            request.Headers.Add(SidecarSettings.TokenHeader, token);
        return await _client.SendAsync(request);
    }

    [Fact]
    public async Task A_check_that_throws_or_hangs_is_not_ready_and_tells_nothing_of_why()
    {
        _switch.Failure = new InvalidOperationException("Host=secret");
        using var failed = await SendAsync(HttpMethod.Get, new Uri(_httpPort, "/readyz"), HttpVersion.Version11);
        Assert.Equal(
            (HttpStatusCode.ServiceUnavailable, """{"status":"not ready","checks":{"switch":"InvalidOperationException: the check failed."}}"""),
            (failed.StatusCode, await failed.Content.ReadAsStringAsync()));

        (_switch.Failure, _switch.Hangs) = (null, true);
        using var hung = await SendAsync(HttpMethod.Get, new Uri(_httpPort, "/readyz"), HttpVersion.Version11);
        Assert.Equal(
            (HttpStatusCode.ServiceUnavailable, """{"status":"not ready","checks":{"switch":"No answer within 2 s."}}"""),
            (hung.StatusCode, await hung.Content.ReadAsStringAsync()));
    }

    private sealed class Switch : IHealthCheck
    {
        public string? Problem { get; set; }

        public Exception? Failure { get; set; }

        public bool Hangs { get; set; }

        public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
        {
            if (Failure is not null)
                throw Failure;
            if (Hangs)
                await Task.Delay(Timeout.InfiniteTimeSpan, cancellationToken);
            return Problem is null ? HealthCheckResult.Healthy() : HealthCheckResult.Unhealthy(Problem);
        }
    }
}
