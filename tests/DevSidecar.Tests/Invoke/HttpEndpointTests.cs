using System.Net;
using System.Text;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using WhatsAppMesh.DevSidecar.Tests.Running;
using WhatsAppMesh.LocalPostgres;

namespace WhatsAppMesh.DevSidecar.Tests.Invoke;

/// <summary>Calls to a service outside the mesh under a retry policy, as measured against a real sidecar.</summary>
public sealed class HttpEndpointTests : IAsyncLifetime
{
    private const string Policy =
        """
        apiVersion: dapr.io/v1alpha1
        kind: Resiliency
        metadata:
          name: outside
        spec:
          policies:
            timeouts:
              short: 5s
              long: 30s
            retries:
              some:
                policy: constant
                duration: 10ms
                maxRetries: 2
                matching:
                  httpStatusCodes: "408,429,500-599"
          targets:
            apps:
              broker:
                timeout: long
                retry: some
              impatient:
                timeout: short
                retry: some
        """;

    private readonly string _folder = Directory.CreateTempSubdirectory("devsidecar-test-").FullName;
    private TestDatabase _database = null!;
    private TestApp _broker = null!;
    private RunningSidecar _sidecar = null!;

    public async Task InitializeAsync()
    {
        _database = await TestDatabase.CreateAsync();
        _broker = await TestApp.StartAsync(MapBroker, HttpProtocols.Http1);
        _sidecar = await RunningSidecar.StartAsync(_database.ConnectionString, "caller", resources: [SecretFile(), Endpoint("broker", _broker.Address), Endpoint("impatient", _broker.Address), Policy]);
    }

    public async Task DisposeAsync()
    {
        await _sidecar.DisposeAsync();
        await _broker.DisposeAsync();
        await _database.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }

    [Theory]
    [InlineData(200, 1)]
    [InlineData(400, 1)]
    [InlineData(409, 1)]
    [InlineData(429, 3)]
    [InlineData(500, 3)]
    [InlineData(503, 3)]
    public async Task Status_decides_about_retries_and_comes_back_with_headers_and_body(int status, int calls)
    {
        using var response = await SendAsync($"status/{status}");

        Assert.Equal(status, (int)response.StatusCode);
        Assert.Equal("from the broker", await response.Content.ReadAsStringAsync());
        Assert.Equal("7", response.Headers.GetValues("Retry-After").Single());
        Assert.Equal(calls, _broker.Seen.Count);
        Assert.All(_broker.Seen, seen => Assert.Equal("""{"to":"x"}""", Encoding.UTF8.GetString(seen.Body)));
    }

    [Theory]
    [InlineData("hang")]
    [InlineData("hang-in-body")]
    [InlineData("reset")]
    public async Task Call_without_an_answer_is_tried_three_times_and_is_the_sidecars_own_500(string path)
    {
        (await SendAsync("status/200", "impatient")).Dispose();
        _broker.Seen.Clear();
        await InvokeTests.AssertErrorAsync(await SendAsync(path, "impatient"), 500, "ERR_DIRECT_INVOKE", "impatient");
        Assert.Equal(3, _broker.Seen.Count);
    }

    [Fact]
    public async Task Request_that_fails_once_succeeds_with_the_same_body()
    {
        using var response = await SendAsync("fails-once");

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal(2, _broker.Seen.Count);
        Assert.Equal(_broker.Seen.First().Body, _broker.Seen.Last().Body);
    }

    [Fact]
    public async Task Headers_of_the_resource_are_added_with_their_secrets()
    {
        using var response = await SendAsync("status/200?x=1");

        var seen = Assert.Single(_broker.Seen);
        Assert.Equal("/base/status/200?x=1", seen.PathAndQuery);
        Assert.Equal(("s3cret", "fixed"), (seen.Headers["x-api-key"], seen.Headers["x-plain"]));
        Assert.Equal("application/json; charset=utf-8", seen.Headers["content-type"]);
        Assert.StartsWith("00-", seen.Headers["traceparent"], StringComparison.Ordinal);
        Assert.Equal(_broker.Address, "http://" + seen.Headers["host"]);
    }

    [Fact]
    public async Task Body_of_unknown_length_is_streamed_and_sent_once()
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/v1.0/invoke/broker/method/status/503") { Content = new StringContent("chunks") };
        request.Headers.TransferEncodingChunked = true;
        using var response = await _sidecar.Http.SendAsync(request);

        Assert.Equal(HttpStatusCode.ServiceUnavailable, response.StatusCode);
        Assert.Equal("chunks"u8.ToArray(), Assert.Single(_broker.Seen).Body);
    }

    [Fact]
    public async Task Address_may_stand_in_place_of_a_name()
    {
        using var response = await _sidecar.Http.GetAsync($"/v1.0/invoke/{Uri.EscapeDataString(_broker.Address)}/method/base/status/200");

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal("/base/status/200", Assert.Single(_broker.Seen).PathAndQuery);
    }

    private Task<HttpResponseMessage> SendAsync(string path, string endpoint = "broker") =>
        _sidecar.Http.PostAsync($"/v1.0/invoke/{endpoint}/method/{path}", new StringContent("""{"to":"x"}""", Encoding.UTF8, "application/json"));

    private void MapBroker(WebApplication app)
    {
        app.Map("/base/status/{status:int}", async (int status, HttpContext context) =>
        {
            context.Response.StatusCode = status;
            context.Response.Headers.RetryAfter = "7";
            await context.Response.WriteAsync("from the broker");
        });
        app.Map("/base/hang", context => Task.Delay(Timeout.Infinite, context.RequestAborted));
        app.Map("/base/hang-in-body", async context =>
        {
            context.Response.ContentLength = 10;
            await context.Response.Body.FlushAsync();
            await Task.Delay(Timeout.Infinite, context.RequestAborted);
        });
        app.Map("/base/reset", context =>
        {
            context.Features.Get<IConnectionSocketFeature>()!.Socket.LingerState = new(true, 0);
            context.Abort();
            return Task.CompletedTask;
        });
        var failed = 0;
        app.Map("/base/fails-once", () => Interlocked.Increment(ref failed) == 1 ? Results.StatusCode(503) : Results.Ok());
    }

    private string SecretFile()
    {
        var file = Path.Combine(_folder, "secrets.json");
        File.WriteAllText(file, """{"broker":{"key":"s3cret"}}""");
        return $"""
            apiVersion: dapr.io/v1alpha1
            kind: Component
            metadata:
              name: secrets
            spec:
              type: secretstores.local.file
              version: v1
              metadata:
              - name: secretsFile
                value: "{file}"
            """;
    }

    private static string Endpoint(string name, string address) =>
        $"""
        apiVersion: dapr.io/v1alpha1
        kind: HTTPEndpoint
        metadata:
          name: {name}
        spec:
          baseUrl: {address}/base
          headers:
          - name: x-api-key
            secretKeyRef:
              name: "broker:key"
              key: "broker:key"
          - name: x-plain
            value: fixed
        auth:
          secretStore: secrets
        """;
}
