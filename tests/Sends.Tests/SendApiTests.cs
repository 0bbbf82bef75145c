using System.Net;
using System.Text;
using System.Text.Json;
using WhatsAppMesh.BrokerSim;

namespace WhatsAppMesh.Sends.Tests;

/// <summary>What is asked of sending over HTTP: direct sends, instances, runs and health.</summary>
public sealed class SendApiTests
{
    [Fact]
    public async Task Without_credentials_jobs_wait_and_everybody_is_told()
    {
        await using var world = await SendWorld.StartAsync(hasKey: false);
        await using var dispatch = await RunningDispatch.StartAsync(world.Settings());
        var job = (await world.AddJobsAsync(1))[0];

        using var direct = await PostAsync(dispatch, "/api/whatsapp/instances/i/messages", """{"to":"12025550103","content":"Oi"}""");
        using var list = await dispatch.App.SendAsync(Request(HttpMethod.Get, "/api/integrations/whatsapp/instances"));

        Assert.Equal((HttpStatusCode.ServiceUnavailable, HttpStatusCode.ServiceUnavailable), (direct.StatusCode, list.StatusCode));
        Assert.Equal("WHATSAPP_NOT_CONFIGURED", await CodeAsync(direct));
        using var health = JsonDocument.Parse(await dispatch.Http.GetStringAsync("/healthz"));
        var runtime = health.RootElement.GetProperty("whatsapp").GetProperty("runtime");
        Assert.Equal(("http", "not_configured", true), (runtime.GetProperty("mode").GetString(), runtime.GetProperty("status").GetString(), runtime.GetProperty("disabled").GetBoolean()));
        Assert.Equal("pending", await world.ScalarAsync<string>("select status from jobs where id = $1", job));
        Assert.Empty(world.Broker.Sends.All);
    }

    [Theory]
    [InlineData("sidecar", "http", false)]
    [InlineData("DryRun", "dryrun", false)]
    [InlineData("disabled", "disabled", true)]
    public async Task Health_tells_the_mode_as_it_was_set_what_it_counts_as_and_what_became_of_sends(string mode, string transport, bool waits)
    {
        await using var world = await SendWorld.StartAsync();
        // The first makes the tables, so that the second finds jobs when it counts for the first time.
        await using (await RunningDispatch.StartAsync(world.Settings(("WHATSAPP_MODE", "disabled"))))
            await world.AddJobsAsync(2, dueAgo: TimeSpan.FromSeconds(100));
        await using var dispatch = await RunningDispatch.StartAsync(world.Settings(("WHATSAPP_MODE", mode)));

        JsonElement runtime = default;
        await DevSidecar.Tests.Running.Eventually.TrueAsync(
            async () =>
            {
                using var health = JsonDocument.Parse(await dispatch.Http.GetStringAsync("/healthz"));
                runtime = health.RootElement.GetProperty("whatsapp").GetProperty("runtime").Clone();
                var metrics = runtime.GetProperty("metrics");
                return metrics.GetProperty("waiting").ValueKind == JsonValueKind.Number && (waits || metrics.GetProperty("sent").GetInt64() == 2);
            },
            "the sends have been counted");

        Assert.Equal((mode, transport), (runtime.GetProperty("mode").GetString(), runtime.GetProperty("transport").GetString()));
        var figures = runtime.GetProperty("metrics");
        Assert.Equal((waits ? 0 : 2, 0), (figures.GetProperty("sent").GetInt64(), figures.GetProperty("failed").GetInt64()));
        if (waits)
            Assert.Equal((2, true), (figures.GetProperty("waiting").GetInt64(), figures.GetProperty("oldest").GetInt64() >= 100));
    }

    [Fact]
    public async Task A_send_that_failed_for_good_is_counted_as_failed()
    {
        await using var world = await SendWorld.StartAsync();
        await using var dispatch = await RunningDispatch.StartAsync(world.Settings());
        world.Broker.Faults.Add(new Fault { Times = 0, Status = 422 });
        await world.AddJobsAsync(1);

        await DevSidecar.Tests.Running.Eventually.TrueAsync(
            async () =>
            {
                using var health = JsonDocument.Parse(await dispatch.Http.GetStringAsync("/healthz"));
                return health.RootElement.GetProperty("whatsapp").GetProperty("runtime").GetProperty("metrics").GetProperty("failed").GetInt64() == 1;
            },
            "the failure has been counted");
    }

    [Fact]
    public async Task Direct_send_to_a_dispatch_that_has_yet_to_read_the_lake_is_told_to_come_again()
    {
        await using var world = await SendWorld.StartAsync();
        // There is no lake to ask, so that it stays so.
        await using var dispatch = await RunningDispatch.StartAsync(world.Settings(("Deliveries:Pull", "true")));

        using var direct = await PostAsync(dispatch, "/api/whatsapp/instances/i/messages", """{"to":"12025550103","content":"Oi"}""");

        Assert.Equal((HttpStatusCode.ServiceUnavailable, "unavailable"), (direct.StatusCode, await CodeAsync(direct)));
        Assert.Equal(0, await world.ScalarAsync<long>("select count(*) from jobs"));
    }

    [Fact]
    public async Task Direct_send_is_accepted_once_per_key()
    {
        await using var world = await SendWorld.StartAsync();
        await using var dispatch = await RunningDispatch.StartAsync(world.Settings());
        const string Path = "/api/integrations/whatsapp/instances/instance-9/messages";
        const string Body = """{"to":"12025550103","content":"Oi","metadata":{"idempotencyKey":"k1"}}""";

        using var first = await PostAsync(dispatch, Path, Body);
        using var again = await PostAsync(dispatch, "/api/whatsapp/instances/instance-9/messages", Body);
        using var other = await PostAsync(dispatch, Path, Body.Replace("Oi", "Tchau", StringComparison.Ordinal));
        using var wrong = await PostAsync(dispatch, Path, """{"to":"12025550103","type":"image"}""");
        using var viewer = await PostAsync(dispatch, Path, Body, "viewer");

        Assert.Equal(
            [HttpStatusCode.Accepted, HttpStatusCode.Accepted, HttpStatusCode.UnprocessableEntity, HttpStatusCode.UnprocessableEntity, HttpStatusCode.Forbidden],
            [first.StatusCode, again.StatusCode, other.StatusCode, wrong.StatusCode, viewer.StatusCode]);
        Assert.Equal("idempotency_key_reused", await CodeAsync(other));
        Assert.Equal(await JobAsync(first), await JobAsync(again));
        await world.UntilAsync(Guid.Parse((await JobAsync(first))!), "sent");
        Assert.Equal(1, world.Broker.Sends.Count().Sent);

        world.Broker.Instances.Set("instance-9", "qr_required");
        // What is known of an instance is believed for a while.
        await DevSidecar.Tests.Running.Eventually.TrueAsync(
            async () =>
            {
                using var offline = await PostAsync(dispatch, Path, """{"to":"12025550103","content":"Oi"}""");
                return offline.StatusCode == HttpStatusCode.Conflict && await CodeAsync(offline) == "INSTANCE_DISCONNECTED";
            },
            "the instance is known to be offline");
        using var known = await PostAsync(dispatch, Path, Body);
        Assert.Equal(HttpStatusCode.Accepted, known.StatusCode);
    }

    [Fact]
    public async Task Instances_are_passed_through_and_what_goes_wrong_has_one_code()
    {
        await using var world = await SendWorld.StartAsync();
        await using var dispatch = await RunningDispatch.StartAsync(world.Settings());
        world.Broker.Instances.Set("a b", "qr_required");

        using var status = await dispatch.App.SendAsync(Request(HttpMethod.Get, "/api/whatsapp/instances/a%20b/status"));
        using var groups = await dispatch.App.SendAsync(Request(HttpMethod.Get, "/api/whatsapp/instances/a%20b/groups"));
        using var list = await dispatch.App.SendAsync(Request(HttpMethod.Get, "/api/integrations/whatsapp/instances", "viewer"));
        using var nobody = await dispatch.App.GetAsync("/api/integrations/whatsapp/instances");

        Assert.Contains("qr_required", await status.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        Assert.Equal((HttpStatusCode.Conflict, "INSTANCE_DISCONNECTED"), (groups.StatusCode, await CodeAsync(groups)));
        Assert.Contains("a b", await list.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.Forbidden, nobody.StatusCode);
    }

    [Fact]
    public async Task Run_sends_what_is_due_beside_the_poller_and_counts_it()
    {
        await using var world = await SendWorld.StartAsync();
        await using var dispatch = await RunningDispatch.StartAsync(world.Settings(("Dispatch:Sending:PollInterval", "00:00:00.300")));
        await world.AddJobsAsync(20, instances: 2);

        using var accepted = await PostAsync(dispatch, "/api/dispatch/run", "{}");

        Assert.Equal(HttpStatusCode.Accepted, accepted.StatusCode);
        await world.DrainedAsync(TimeSpan.FromSeconds(60));
        await Eventually(() => world.ScalarAsync<string>("select state from runs").GetAwaiter().GetResult() == "completed");
        Assert.True(await world.ScalarAsync<bool>("select claimed + skipped = queued and sent = claimed and failed = 0 from runs"));
        Assert.Equal((20, 20, 0), (world.Broker.Sends.Count().Sent, world.Broker.Sends.Count().Keys, world.Broker.Sends.Count().Doubled));
    }

    private static HttpRequestMessage Request(HttpMethod method, string path, string role = "operator") => new(method, path)
    {
        Version = HttpVersion.Version20,
        VersionPolicy = HttpVersionPolicy.RequestVersionExact,
        Headers = { { "mesh-tenant", "acme" }, { "mesh-role", role } },
    };

    private static Task<HttpResponseMessage> PostAsync(RunningDispatch dispatch, string path, string body, string role = "operator")
    {
        var request = Request(HttpMethod.Post, path, role);
        request.Content = new StringContent(body, Encoding.UTF8, "application/json");
        return dispatch.App.SendAsync(request);
    }

    private static async Task<string?> CodeAsync(HttpResponseMessage response) => await FieldAsync(response, "code");

    private static async Task<string?> JobAsync(HttpResponseMessage response) => await FieldAsync(response, "job_id");

    private static async Task<string?> FieldAsync(HttpResponseMessage response, string name)
    {
        using var json = JsonDocument.Parse(await response.Content.ReadAsStringAsync());
        return json.RootElement.GetProperty(name).GetString();
    }

    private static Task Eventually(Func<bool> condition) => DevSidecar.Tests.Running.Eventually.TrueAsync(condition, "what the test waits for");
}
