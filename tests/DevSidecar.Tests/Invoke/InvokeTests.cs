using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using WhatsAppMesh.DevSidecar.Tests.Running;
using WhatsAppMesh.LocalPostgres;

namespace WhatsAppMesh.DevSidecar.Tests.Invoke;

/// <summary>Service invocation over HTTP: caller, its sidecar, the callee's sidecar, callee.</summary>
public sealed class InvokeTests : IAsyncLifetime
{
    private TestDatabase _database = null!;

    public async Task InitializeAsync() => _database = await TestDatabase.CreateAsync();

    public async Task DisposeAsync() => await _database.DisposeAsync();

    [Fact]
    public async Task Request_reaches_the_app_behind_another_sidecar_as_it_was_sent()
    {
        await using var app = await TestApp.StartAsync(Answer(HttpStatusCode.OK, "done"));
        await using var callee = await StartAsync("callee", app.Port);
        await using var caller = await StartAsync("caller");

        using var request = new HttpRequestMessage(HttpMethod.Patch, "/v1.0/invoke/callee/method/a%2Fb/c%20d/?q=%26&x=1%2B1") { Content = new StringContent("body") };
        request.Headers.Add("x-own", "value");
        request.Headers.Add("dapr-caller-app-id", "forged");
        using var response = await caller.Http.SendAsync(request);

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal("done", await response.Content.ReadAsStringAsync());
        var seen = Assert.Single(app.Seen);
        Assert.Equal(("PATCH", "/a%2Fb/c%20d/?q=%26&x=1%2B1", "body"), (seen.Method, seen.PathAndQuery, System.Text.Encoding.UTF8.GetString(seen.Body)));
        Assert.Equal(("value", "caller", "callee"), (seen.Headers["x-own"], seen.Headers["dapr-caller-app-id"], seen.Headers["dapr-callee-app-id"]));
        Assert.StartsWith("00-", seen.Headers["traceparent"], StringComparison.Ordinal);
        Assert.DoesNotContain(seen.Headers.Keys, name => name is "dapr-api-token" or "devsidecar-caller" or "devsidecar-proof" or "devsidecar-http");
    }

    [Theory]
    [InlineData(HttpStatusCode.Created)]
    [InlineData(HttpStatusCode.Found)]
    [InlineData(HttpStatusCode.NotFound)]
    [InlineData(HttpStatusCode.InternalServerError)]
    public async Task Status_headers_and_body_of_the_callee_come_back_and_are_not_retried(HttpStatusCode status)
    {
        await using var app = await TestApp.StartAsync(Answer(status, "because"));
        await using var callee = await StartAsync("callee", app.Port);
        await using var caller = await StartAsync("caller");

        using var client = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false });
        using var response = await client.PostAsync($"{caller.HttpAddress}/v1.0/invoke/callee/method/work", new StringContent(""));

        Assert.Equal(status, response.StatusCode);
        Assert.Equal("because", await response.Content.ReadAsStringAsync());
        Assert.Equal("here", response.Headers.GetValues("x-answer").Single());
        Assert.Single(app.Seen);
    }

    [Fact]
    public async Task Header_or_user_name_addresses_an_app_on_any_path()
    {
        await using var app = await TestApp.StartAsync(Answer(HttpStatusCode.OK, "done"));
        await using var callee = await StartAsync("callee", app.Port);
        await using var caller = await StartAsync("caller");

        using var byHeader = new HttpRequestMessage(HttpMethod.Get, "/some/path?x=1");
        byHeader.Headers.Add("dapr-app-id", "callee");
        using var first = await caller.Http.SendAsync(byHeader);
        using var byUser = new HttpRequestMessage(HttpMethod.Get, "/other");
        byUser.Headers.Authorization = new("Basic", Convert.ToBase64String("dapr-app-id:callee"u8));
        using var second = await caller.Http.SendAsync(byUser);
        using var third = await caller.Http.GetAsync(new Uri("/v1.0/invoke/callee.default/method/with/namespace", UriKind.Relative));

        Assert.Equal((HttpStatusCode.OK, HttpStatusCode.OK, HttpStatusCode.OK), (first.StatusCode, second.StatusCode, third.StatusCode));
        Assert.Equal(["/some/path?x=1", "/other", "/with/namespace"], app.Seen.Select(s => s.PathAndQuery));
        Assert.All(app.Seen, seen => Assert.DoesNotContain("dapr-app-id", seen.Headers.Keys));
    }

    [Fact]
    public async Task App_may_call_itself()
    {
        await using var app = await TestApp.StartAsync(Answer(HttpStatusCode.OK, "done"));
        await using var sidecar = await StartAsync("self", app.Port);

        using var response = await sidecar.Http.PostAsync("/v1.0/invoke/self/method/dead-letters/list", JsonContent.Create(new { }));

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal("/dead-letters/list", Assert.Single(app.Seen).PathAndQuery);
    }

    [Fact]
    public async Task Call_that_reaches_no_app_is_the_sidecars_own_500()
    {
        await using var silent = await TestApp.StartAsync(Answer(HttpStatusCode.OK, ""));
        var deadPort = silent.Port;
        await silent.DisposeAsync();
        await using var callee = await StartAsync("callee", deadPort);
        await using var appless = await StartAsync("appless");

        await AssertErrorAsync(await appless.Http.GetAsync("/v1.0/invoke/nobody/method/x"), 500, "ERR_DIRECT_INVOKE", "no host found");
        await AssertErrorAsync(await appless.Http.GetAsync("/v1.0/invoke/callee/method/x"), 500, "ERR_DIRECT_INVOKE", "callee does not answer");
        await AssertErrorAsync(await callee.Http.GetAsync("/v1.0/invoke/callee/method/x"), 500, "ERR_DIRECT_INVOKE", "callee does not answer");
        await AssertErrorAsync(await callee.Http.GetAsync("/v1.0/invoke/appless/method/x"), 500, "ERR_DIRECT_INVOKE", "--app-port");
        await AssertErrorAsync(await appless.Http.GetAsync("/v1.0/invoke/"), 404, "ERR_DIRECT_INVOKE", "app id");
        await AssertErrorAsync(await appless.Http.GetAsync("/unknown"), 404, "ERR_DIRECT_INVOKE", "app id");
    }

    [Fact]
    public async Task Replicas_of_an_app_take_turns_and_a_stopped_one_gets_nothing()
    {
        await using var first = await TestApp.StartAsync(Answer(HttpStatusCode.OK, "1"));
        await using var second = await TestApp.StartAsync(Answer(HttpStatusCode.OK, "2"));
        await using var one = await StartAsync("twice", first.Port);
        var two = await StartAsync("twice", second.Port);
        await using var caller = await StartAsync("caller");

        // A replica whose lease ran out in a pause of the machine misses its turns until it has renewed it.
        await Eventually.TrueAsync(async () => await TurnsAsync() == (5, 5), "they take turns");

        await two.DisposeAsync();
        Assert.Equal((10, 0), await TurnsAsync());

        async Task<(int First, int Second)> TurnsAsync()
        {
            var (before, beside) = (first.Seen.Count, second.Seen.Count);
            for (var i = 0; i < 10; i++)
                Assert.True((await caller.Http.GetAsync("/v1.0/invoke/twice/method/x")).IsSuccessStatusCode);
            return (first.Seen.Count - before, second.Seen.Count - beside);
        }
    }

    [Fact]
    public async Task Replica_that_was_killed_is_passed_over_and_forgotten_within_seconds()
    {
        await using var app = await TestApp.StartAsync(Answer(HttpStatusCode.OK, "alive"));
        await using var callee = await StartAsync("callee", app.Port);
        await using var source = Npgsql.NpgsqlDataSource.Create(_database.ConnectionString);

        // What a killed sidecar leaves behind: a row whose lease still runs, at a port where nobody listens.
        await using (var dead = source.CreateCommand(
            "insert into sidecar.peers values ('00000000-0000-0000-0000-000000000001', 'callee', 'http://127.0.0.1:1', 'k', now() + interval '4 s')"))
            await dead.ExecuteNonQueryAsync();
        await using var caller = await StartAsync("caller");

        for (var i = 0; i < 6; i++)
            Assert.Equal(HttpStatusCode.OK, (await caller.Http.GetAsync("/v1.0/invoke/callee/method/x")).StatusCode);
        await using var live = source.CreateCommand("select count(*) from sidecar.peers where app_id = 'callee' and lease_until > now()");
        await Eventually.TrueAsync(async () => (long)(await live.ExecuteScalarAsync())! == 1, "the dead row's lease has run out");
    }

    [Fact]
    public async Task Answer_is_streamed_as_it_comes()
    {
        var released = new TaskCompletionSource();
        await using var app = await TestApp.StartAsync(a => a.MapGet("/slow", async context =>
        {
            await context.Response.WriteAsync("first");
            await context.Response.Body.FlushAsync();
            await released.Task;
            await context.Response.WriteAsync("second");
        }));
        await using var callee = await StartAsync("callee", app.Port);
        await using var caller = await StartAsync("caller");

        using var response = await caller.Http.GetAsync(
            new Uri("/v1.0/invoke/callee/method/slow", UriKind.Relative), HttpCompletionOption.ResponseHeadersRead);
        await using var body = await response.Content.ReadAsStreamAsync();
        var buffer = new byte[5];
        await body.ReadExactlyAsync(buffer);
        Assert.Equal("first"u8.ToArray(), buffer);
        released.SetResult();
        using var rest = new StreamReader(body);
        Assert.Equal("second", await rest.ReadToEndAsync());
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Body_above_the_limit_is_refused(bool lengthKnown)
    {
        await using var app = await TestApp.StartAsync(Answer(HttpStatusCode.OK, ""));
        await using var sidecar = await RunningSidecar.StartAsync(_database.ConnectionString, "self", app.Port, change: f => f with { MaxBodySize = 1000 });

        using var request = new HttpRequestMessage(HttpMethod.Post, "/v1.0/invoke/self/method/x") { Content = new ByteArrayContent(new byte[1001]) };
        request.Headers.TransferEncodingChunked = !lengthKnown;
        using var response = await sidecar.Http.SendAsync(request);

        Assert.True(response.StatusCode == HttpStatusCode.InternalServerError, await response.Content.ReadAsStringAsync());
        Assert.DoesNotContain(app.Seen, seen => seen.Body.Length > 1000);
    }

    [Fact]
    public async Task Tokens_are_asked_for_and_shown()
    {
        await using var app = await TestApp.StartAsync(Answer(HttpStatusCode.OK, "done"));
        await using var callee = await RunningSidecar.StartAsync(_database.ConnectionString, "callee", app.Port, apiToken: "of-callee", appToken: "of-app");
        await using var caller = await RunningSidecar.StartAsync(_database.ConnectionString, "caller", apiToken: "of-caller");
        using var stranger = new HttpClient { BaseAddress = new Uri(caller.HttpAddress) };

        using var refused = await stranger.GetAsync("/v1.0/invoke/callee/method/x");
        using var healthy = await stranger.GetAsync("/v1.0/healthz");
        using var outbound = await stranger.GetAsync("/v1.0/healthz/outbound");
        using var metadata = await stranger.GetAsync("/v1.0/metadata");
        using var answered = await caller.Http.GetAsync("/v1.0/invoke/callee/method/x");

        Assert.Equal((HttpStatusCode.Unauthorized, HttpStatusCode.Unauthorized), (refused.StatusCode, metadata.StatusCode));
        Assert.Equal((HttpStatusCode.NoContent, HttpStatusCode.NoContent), (healthy.StatusCode, outbound.StatusCode));
        Assert.Equal(HttpStatusCode.OK, answered.StatusCode);
        Assert.Equal("of-app", Assert.Single(app.Seen).Headers["dapr-api-token"]);
    }

    [Fact]
    public async Task Internal_port_is_no_way_around_the_token()
    {
        await using var app = await TestApp.StartAsync(Answer(HttpStatusCode.OK, "done"));
        await using var callee = await RunningSidecar.StartAsync(
            _database.ConnectionString, "callee", app.Port, apiToken: "t", change: f => f with { ListenAddresses = ["127.0.0.1", "127.0.0.2"] });
        using var client = new HttpClient { DefaultRequestVersion = HttpVersion.Version20, DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact };

        using var request = new HttpRequestMessage(HttpMethod.Get, callee.InternalAddress + "/x") { Version = HttpVersion.Version20, VersionPolicy = HttpVersionPolicy.RequestVersionExact };
        request.Headers.Add("dapr-callee-app-id", "callee");
        using var response = await client.SendAsync(request);

        Assert.Equal(HttpStatusCode.Unauthorized, response.StatusCode);
        Assert.Empty(app.Seen);
        await Assert.ThrowsAsync<HttpRequestException>(() => client.GetAsync(callee.InternalAddress.Replace("127.0.0.1", "127.0.0.2", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task Calls_to_the_app_stay_within_its_concurrency()
    {
        var under = 0;
        var most = 0;
        await using var app = await TestApp.StartAsync(a => a.Map("/x", async () =>
        {
            var now = Interlocked.Increment(ref under);
            InterlockedMax(ref most, now);
            await Task.Delay(5);
            Interlocked.Decrement(ref under);
        }));
        await using var sidecar = await RunningSidecar.StartAsync(_database.ConnectionString, "self", app.Port, change: f => f with { AppMaxConcurrency = 2 });

        await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => sidecar.Http.GetAsync("/v1.0/invoke/self/method/x")));

        Assert.Equal(20, app.Seen.Count);
        Assert.InRange(most, 1, 2);
    }

    internal static async Task AssertErrorAsync(HttpResponseMessage response, int status, string code, string messagePart)
    {
        using (response)
        {
            var text = await response.Content.ReadAsStringAsync();
            Assert.True(status == (int)response.StatusCode, $"{(int)response.StatusCode} {text}");
            using var error = JsonDocument.Parse(text);
            Assert.Equal(code, error.RootElement.GetProperty("errorCode").GetString());
            Assert.Contains(messagePart, error.RootElement.GetProperty("message").GetString(), StringComparison.Ordinal);
        }
    }

    private static Action<WebApplication> Answer(HttpStatusCode status, string body) => app => app.MapFallback(async context =>
    {
        context.Response.StatusCode = (int)status;
        context.Response.Headers["x-answer"] = "here";
        if (body.Length > 0)
            await context.Response.WriteAsync(body);
    });

    private static void InterlockedMax(ref int most, int value)
    {
        int seen;
        while ((seen = Volatile.Read(ref most)) < value)
            Interlocked.CompareExchange(ref most, value, seen);
    }

    private Task<RunningSidecar> StartAsync(string appId, int? appPort = null) => RunningSidecar.StartAsync(_database.ConnectionString, appId, appPort);
}
