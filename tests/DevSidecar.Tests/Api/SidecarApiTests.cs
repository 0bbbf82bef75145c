using System.Net;
using System.Text;
using System.Text.Json;
using WhatsAppMesh.DevSidecar.Tests.Invoke;
using WhatsAppMesh.DevSidecar.Tests.Running;
using WhatsAppMesh.DevSidecar.Tests.State;
using WhatsAppMesh.LocalPostgres;

namespace WhatsAppMesh.DevSidecar.Tests.Api;

/// <summary>Health, metadata, shutdown, and the APIs that there are not.</summary>
public sealed class SidecarApiTests : IAsyncLifetime
{
    private TestDatabase _database = null!;

    public async Task InitializeAsync() => _database = await TestDatabase.CreateAsync();

    public async Task DisposeAsync() => await _database.DisposeAsync();

    [Fact]
    public async Task Sidecar_is_outbound_ready_before_its_app_and_ready_after_it()
    {
        var app = await TestApp.StartAsync(_ => { });
        var port = app.Port;
        await app.DisposeAsync();
        await using var sidecar = await RunningSidecar.StartAsync(_database.ConnectionString, "app", port);

        Assert.Equal(HttpStatusCode.NoContent, (await sidecar.Http.GetAsync("/v1.0/healthz/outbound")).StatusCode);
        await InvokeTests.AssertErrorAsync(await sidecar.Http.GetAsync("/v1.0/healthz"), 500, "ERR_HEALTH_NOT_READY", "not ready");

        await using (await TestApp.StartAsync(_ => { }, port: port))
        {
            await Eventually.TrueAsync(
                async () => (await sidecar.Http.GetAsync("/v1.0/healthz")).StatusCode == HttpStatusCode.NoContent, "the sidecar is ready");
        }

        Assert.Equal(HttpStatusCode.NoContent, (await sidecar.Http.GetAsync("/v1.0/healthz?appid=app")).StatusCode);
        await InvokeTests.AssertErrorAsync(await sidecar.Http.GetAsync("/v1.0/healthz?appid=other"), 500, "ERR_HEALTH_APPID_NOT_MATCH", "app-id");
    }

    [Fact]
    public async Task Metadata_shows_what_the_cli_and_operators_look_for()
    {
        const string Subscription =
            """
            apiVersion: dapr.io/v2alpha1
            kind: Subscription
            metadata:
              name: events
            spec:
              pubsubname: pubsub
              topic: whatsapp.events
              routes:
                rules:
                - match: event.type == "a"
                  path: /a
                default: /events
              deadLetterTopic: dead
            """;
        const string PubSub =
            """
            apiVersion: dapr.io/v1alpha1
            kind: Component
            metadata:
              name: pubsub
            spec:
              type: pubsub.redis
              version: v1
            """;
        await using var sidecar = await RunningSidecar.StartAsync(
            _database.ConnectionString, "app", resources: [StateComponents.Yaml("claims"), PubSub, Subscription]);

        using var put = await sidecar.Http.PutAsync("/v1.0/metadata/appPID", new StringContent("4711", Encoding.UTF8, "text/plain"));
        using var metadata = JsonDocument.Parse(await sidecar.Http.GetStringAsync("/v1.0/metadata"));

        Assert.Equal(HttpStatusCode.NoContent, put.StatusCode);
        var root = metadata.RootElement;
        Assert.Equal("app", root.GetProperty("id").GetString());
        Assert.Equal("4711", root.GetProperty("extended").GetProperty("appPID").GetString());
        Assert.NotEqual("", root.GetProperty("extended").GetProperty("daprRuntimeVersion").GetString());
        var component = root.GetProperty("components").EnumerateArray().Single(c => c.GetProperty("name").GetString() == "claims");
        Assert.Equal(("state.postgresql", "v2"), (component.GetProperty("type").GetString(), component.GetProperty("version").GetString()));
        var subscription = root.GetProperty("subscriptions").EnumerateArray().Single();
        Assert.Equal(
            ("pubsub", "whatsapp.events", "dead", "DECLARATIVE"),
            (subscription.GetProperty("pubsubname").GetString(), subscription.GetProperty("topic").GetString(),
                subscription.GetProperty("deadLetterTopic").GetString(), subscription.GetProperty("type").GetString()));
        Assert.Equal("""[{"match":"event.type == \u0022a\u0022","path":"/a"},{"path":"/events"}]""", subscription.GetProperty("rules").GetRawText());
    }

    [Fact]
    public async Task Shutdown_answers_and_then_ends_the_sidecar()
    {
        await using var sidecar = await RunningSidecar.StartAsync(_database.ConnectionString, "app");

        using var response = await sidecar.Http.PostAsync("/v1.0/shutdown", null);

        Assert.Equal(HttpStatusCode.NoContent, response.StatusCode);
        var stopping = sidecar.Services.GetRequiredService<IHostApplicationLifetime>().ApplicationStopping;
        await Eventually.TrueAsync(() => stopping.IsCancellationRequested, "the sidecar stops");
    }

    [Theory]
    [InlineData("POST", "/v1.0/actors/type/id/method/m", "actors")]
    [InlineData("POST", "/v1.0/bindings/queue", "bindings")]
    [InlineData("GET", "/v1.0/configuration/store?key=a", "configuration")]
    [InlineData("POST", "/v1.0/jobs/nightly", "jobs")]
    [InlineData("POST", "/v1.0-alpha1/lock/store", "lock")]
    [InlineData("POST", "/v1.0-alpha1/unlock/store", "lock")]
    [InlineData("POST", "/v1.0-alpha1/state/store/query", "state query")]
    [InlineData("POST", "/v1.0/workflows/dapr/w/start", "workflows")]
    [InlineData("POST", "/v1.0-beta1/workflows/dapr/w/start", "workflows")]
    [InlineData("PUT", "/v1.0-alpha1/crypto/c/encrypt", "cryptography")]
    public async Task Api_that_there_is_not_says_so_by_name(string method, string path, string name)
    {
        await using var sidecar = await RunningSidecar.StartAsync(_database.ConnectionString, "app");
        using var request = new HttpRequestMessage(new HttpMethod(method), new Uri(path, UriKind.Relative));
        await InvokeTests.AssertErrorAsync(await sidecar.Http.SendAsync(request), 501, "ERR_API_UNIMPLEMENTED", name);
    }
}
