using System.Net;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using Npgsql;
using WhatsAppMesh.DevSidecar.Hosting;
using WhatsAppMesh.DevSidecar.Tests.Invoke;
using WhatsAppMesh.DevSidecar.Tests.Running;
using WhatsAppMesh.LocalPostgres;

namespace WhatsAppMesh.DevSidecar.Tests.State;

/// <summary>What the recorded steps do not show: prefixes, TTL, several callers at once, policies, settings.</summary>
public sealed class StateApiTests : IAsyncLifetime
{
    private TestDatabase _database = null!;

    public async Task InitializeAsync() => _database = await TestDatabase.CreateAsync();

    public async Task DisposeAsync() => await _database.DisposeAsync();

    [Theory]
    [InlineData(null, "app||k")]
    [InlineData("appid", "app||k")]
    [InlineData("name", "claims||k")]
    [InlineData("none", "k")]
    [InlineData("own", "own||k")]
    public async Task Key_prefix_keeps_apps_apart_as_the_component_says(string? prefix, string stored)
    {
        var settings = prefix is null ? Array.Empty<string>() : [$"keyPrefix={prefix}"];
        await using var sidecar = await StartAsync("app", StateComponents.Yaml("claims", settings: settings));

        using var saved = await SaveAsync(sidecar, """[{"key":"k","value":1}]""");

        await using var source = NpgsqlDataSource.Create(_database.ConnectionString);
        await using var keys = source.CreateCommand("select string_agg(key, ' ') from sidecar.state");
        Assert.Equal(stored, await keys.ExecuteScalarAsync());
        using var bulk = await sidecar.Http.PostAsJsonAsync("/v1.0/state/claims/bulk", new { keys = new[] { "k" } });
        Assert.StartsWith("""[{"key":"k","data":1,"etag":""", await bulk.Content.ReadAsStringAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Keys_of_another_app_cannot_be_seen()
    {
        await using var one = await StartAsync("one", StateComponents.Yaml("claims"));
        await using var two = await StartAsync("two", StateComponents.Yaml("claims"));

        using var saved = await SaveAsync(one, """[{"key":"k","value":1}]""");

        Assert.Equal(HttpStatusCode.NoContent, (await two.Http.GetAsync("/v1.0/state/claims/k")).StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await one.Http.GetAsync("/v1.0/state/claims/k")).StatusCode);
    }

    [Fact]
    public async Task Key_may_hold_any_character()
    {
        await using var sidecar = await StartAsync("app", StateComponents.Yaml("claims"));
        const string Key = "a/b ?ä%2F|c";

        using var saved = await SaveAsync(sidecar, JsonSerializer.Serialize(new[] { new { key = Key, value = "x" } }));
        using var found = await sidecar.Http.GetAsync("/v1.0/state/claims/" + Uri.EscapeDataString(Key));

        Assert.Equal("\"x\"", await found.Content.ReadAsStringAsync());
        Assert.Equal("application/json", found.Content.Headers.ContentType!.MediaType);
        using var deleted = await sidecar.Http.DeleteAsync("/v1.0/state/claims/" + Uri.EscapeDataString(Key));
        Assert.Equal(HttpStatusCode.NoContent, (await sidecar.Http.GetAsync("/v1.0/state/claims/" + Uri.EscapeDataString(Key))).StatusCode);
    }

    [Fact]
    public async Task One_of_many_creators_wins()
    {
        await using var one = await StartAsync("app", StateComponents.Yaml("claims"));
        await using var two = await StartAsync("app", StateComponents.Yaml("claims"));

        var answers = await Task.WhenAll(Enumerable.Range(0, 40).Select(i =>
            SaveAsync(i % 2 == 0 ? one : two, $$$"""[{"key":"job","value":{{{i}}},"options":{"concurrency":"first-write"}}]""")));

        Assert.Equal(1, answers.Count(a => a.StatusCode == HttpStatusCode.NoContent));
        Assert.Equal(39, answers.Count(a => a.StatusCode == HttpStatusCode.InternalServerError));
    }

    [Fact]
    public async Task One_of_many_holders_of_an_etag_wins()
    {
        await using var sidecar = await StartAsync("app", StateComponents.Yaml("claims"));
        using var created = await SaveAsync(sidecar, """[{"key":"job","value":0}]""");
        using var read = await sidecar.Http.GetAsync("/v1.0/state/claims/job");
        var etag = read.Headers.NonValidated["ETag"].ToString();

        var answers = await Task.WhenAll(Enumerable.Range(0, 40).Select(i => SaveAsync(sidecar, $$"""[{"key":"job","value":{{i}},"etag":"{{etag}}"}]""")));

        Assert.Equal(1, answers.Count(a => a.StatusCode == HttpStatusCode.NoContent));
        Assert.Equal(39, answers.Count(a => a.StatusCode == HttpStatusCode.Conflict));
    }

    [Fact]
    public async Task Saves_over_the_same_keys_in_any_order_do_not_deadlock()
    {
        await using var sidecar = await StartAsync("app", StateComponents.Yaml("claims"));
        string[] keys = ["a", "b", "c", "d"];

        var answers = await Task.WhenAll(Enumerable.Range(0, 60).Select(i => SaveAsync(
            sidecar, JsonSerializer.Serialize((i % 2 == 0 ? keys : keys.Reverse()).Select(key => new { key, value = i })))));

        Assert.All(answers, answer => Assert.Equal(HttpStatusCode.NoContent, answer.StatusCode));
    }

    [Fact]
    public async Task Expiry_is_told_and_expired_keys_are_removed()
    {
        await using var sidecar = await StartAsync("app", StateComponents.Yaml("claims", settings: ["cleanupInterval=100ms"]));
        using var saved = await SaveAsync(sidecar, """[{"key":"t","value":1,"metadata":{"ttlInSeconds":"1"}},{"key":"u","value":1,"metadata":{"ttlInSeconds":"600"}}]""");

        using var found = await sidecar.Http.GetAsync("/v1.0/state/claims/u");
        var expiry = DateTimeOffset.Parse(found.Headers.NonValidated["metadata.ttlExpireTime"].ToString(), System.Globalization.CultureInfo.InvariantCulture);
        Assert.InRange(expiry - TimeProvider.System.GetUtcNow(), TimeSpan.FromSeconds(500), TimeSpan.FromSeconds(601));
        await using var source = NpgsqlDataSource.Create(_database.ConnectionString);
        await using var count = source.CreateCommand("select count(*) from sidecar.state");
        await Eventually.TrueAsync(async () => (long)(await count.ExecuteScalarAsync())! == 1, "the expired key is gone from the table");
    }

    [Fact]
    public async Task Values_are_re_encoded_as_daprd_does()
    {
        await using var sidecar = await StartAsync("app", StateComponents.Yaml("claims"));
        using var saved = await SaveAsync(sidecar, """[{"key":"v","value": { "b" : 1.0, "a": "<&>\u2028\u00e4", "b": [1e3, 0.0000001, null] } }]""");

        Assert.Equal("""{"a":"\u003c\u0026\u003e\u2028ä","b":[1000,1e-7,null]}""", await sidecar.Http.GetStringAsync("/v1.0/state/claims/v"));
    }

    [Fact]
    public async Task Unknown_store_and_none_at_all_are_told_apart()
    {
        await using var some = await StartAsync("app", StateComponents.Yaml("claims"));
        await using var none = await StartAsync("other");

        await InvokeTests.AssertErrorAsync(await some.Http.GetAsync("/v1.0/state/nope/k"), 400, "ERR_STATE_STORE_NOT_FOUND", "nope");
        await InvokeTests.AssertErrorAsync(await none.Http.GetAsync("/v1.0/state/nope/k"), 500, "ERR_STATE_STORE_NOT_CONFIGURED", "not configured");
    }

    [Fact]
    public async Task Save_of_several_with_a_mixed_failure_is_an_error_and_keeps_the_rest()
    {
        await using var sidecar = await StartAsync("app", StateComponents.Yaml("claims"));
        const string Items =
            """[{"key":"ok","value":1},{"key":"x","value":1,"etag":"3f2504e0-4f89-11d3-9a0c-0305e82c3301"},{"key":"y","value":1,"metadata":{"ttlInSeconds":"no"}}]""";

        await InvokeTests.AssertErrorAsync(await SaveAsync(sidecar, Items), 500, "ERR_STATE_SAVE", "etag mismatch");
        Assert.Equal("1", await sidecar.Http.GetStringAsync("/v1.0/state/claims/ok"));
    }

    [Fact]
    public async Task Body_above_the_limit_is_refused()
    {
        await using var sidecar = await RunningSidecar.StartAsync(
            _database.ConnectionString, "app", resources: [StateComponents.Yaml("claims")], change: f => f with { MaxBodySize = 1000 });

        using var response = await SaveAsync(sidecar, $$"""[{"key":"k","value":"{{new string('x', 1000)}}"}]""");

        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, response.StatusCode);
    }

    [Theory]
    [InlineData("keyPrefix=a||b", "can't contain '||'")]
    [InlineData("outboxPublishPubsub=pubsub", "outboxPublishPubsub")]
    [InlineData("actorStateStore=true", "actors")]
    [InlineData("cleanupInterval=sometimes", "cleanupInterval")]
    public async Task Setting_that_is_not_supported_ends_the_sidecar_at_start(string setting, string named)
    {
        var failure = await Assert.ThrowsAsync<StartFailure>(() => StartAsync("app", StateComponents.Yaml("claims", settings: [setting])));
        Assert.Contains(named, failure.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("state.postgresql", "v1")]
    [InlineData("state.mysql", "v1")]
    [InlineData("state.in-memory", "v1")]
    public async Task Store_that_is_not_supported_ends_the_sidecar_at_start(string type, string version)
    {
        var failure = await Assert.ThrowsAsync<StartFailure>(() => StartAsync("app", StateComponents.Yaml("claims", type, version)));
        Assert.Contains(type, failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Refused_create_is_retried_by_the_stores_policy_and_a_wrong_etag_only_on_delete()
    {
        const string Policy =
            """
            apiVersion: dapr.io/v1alpha1
            kind: Resiliency
            metadata:
              name: store
            spec:
              policies:
                retries:
                  twice:
                    policy: constant
                    duration: 3s
                    maxRetries: 2
              targets:
                components:
                  claims:
                    outbound:
                      retry: twice
            """;
        await using var sidecar = await StartAsync("app", StateComponents.Yaml("claims"), Policy);
        using var created = await SaveAsync(sidecar, """[{"key":"k","value":1}]""");
        const string WrongETag = "3f2504e0-4f89-11d3-9a0c-0305e82c3301";

        var refusedCreate = await TimeAsync(() => SaveAsync(sidecar, """[{"key":"k","value":2,"options":{"concurrency":"first-write"}}]"""), 500);
        var wrongSave = await TimeAsync(() => SaveAsync(sidecar, $$"""[{"key":"k","value":2,"etag":"{{WrongETag}}"}]"""), 409);
        var wrongDelete = await TimeAsync(
            () =>
            {
                var request = new HttpRequestMessage(HttpMethod.Delete, "/v1.0/state/claims/k");
                request.Headers.TryAddWithoutValidation("If-Match", WrongETag);
                return sidecar.Http.SendAsync(request);
            },
            409);

        Assert.True(refusedCreate >= TimeSpan.FromMilliseconds(5900), $"{refusedCreate}");
        Assert.True(wrongDelete >= TimeSpan.FromMilliseconds(5900), $"{wrongDelete}");
        Assert.True(wrongSave < refusedCreate, $"{wrongSave}");
    }

    private static async Task<TimeSpan> TimeAsync(Func<Task<HttpResponseMessage>> call, int status)
    {
        var start = TimeProvider.System.GetTimestamp();
        using var response = await call();
        Assert.Equal(status, (int)response.StatusCode);
        return TimeProvider.System.GetElapsedTime(start);
    }

    private static Task<HttpResponseMessage> SaveAsync(RunningSidecar sidecar, string json) =>
        sidecar.Http.PostAsync("/v1.0/state/claims", new StringContent(json, Encoding.UTF8, "application/json"));

    private Task<RunningSidecar> StartAsync(string appId, params string[] resources) =>
        RunningSidecar.StartAsync(_database.ConnectionString, appId, resources: resources);
}
