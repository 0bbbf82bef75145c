using System.Net;
using System.Text;
using System.Text.Json;
using WhatsAppMesh.Ingest.V1;
using WhatsAppMesh.LocalPostgres;

namespace WhatsAppMesh.Ingest.Tests;

public class EventsApiTests(SharedIngest shared) : IClassFixture<SharedIngest>
{
    private readonly IngestUnderTest _ingest = shared.Ingest;
    private readonly string _tenant = $"tenant-{Guid.NewGuid()}";

    private const string Body = """{"type":"messages.upsert","chat_jid":"1@g.us","payload":{"messageTimestamp":1717243200}}""";

    [Fact]
    public async Task Requests_without_the_internal_token_are_refused_on_both_ports()
    {
        using var appPort = new HttpClient { BaseAddress = _ingest.AppAddress, DefaultRequestVersion = HttpVersion.Version20, DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact };
        foreach (var http in new[] { _ingest.Http, appPort })
        {
            string[] paths =
            [
                "/v1/events", "/v2/events", "/triggers/t/events", "/leads/l/events", "/broker/events", "/waha/events", "/evolution/events",
                "/evolution/events/e",
            ];
            foreach (var path in paths)
            {
                foreach (var token in new[] { null, "", "wrong", IngestUnderTest.Token + "x" })
                {
                    using var request = IngestUnderTest.Request(path, Body, Guid.NewGuid().ToString());
                    (request.Version, request.VersionPolicy) = (http.DefaultRequestVersion, http.DefaultVersionPolicy);
                    request.Headers.Remove("X-Mesh-Token");
                    if (token is not null)
                        request.Headers.TryAddWithoutValidation("X-Mesh-Token", token);
                    using var answer = await http.SendAsync(request);
                    Assert.Equal(HttpStatusCode.Unauthorized, answer.StatusCode);
                }
            }
        }
        using var good = IngestUnderTest.Request("/v2/events", Body, Guid.NewGuid().ToString());
        (good.Version, good.VersionPolicy) = (HttpVersion.Version20, HttpVersionPolicy.RequestVersionExact);
        Assert.Equal(HttpStatusCode.Created, (await appPort.SendAsync(good)).StatusCode);
    }

    [Theory]
    [InlineData("X-Mesh-Tenant")]
    [InlineData("X-Mesh-Source")]
    public async Task A_request_that_names_no_tenant_or_source_is_kept_by_its_sender(string header)
    {
        using var request = IngestUnderTest.Request("/v2/events", Body, Guid.NewGuid().ToString());
        request.Headers.Remove(header);
        Assert.Equal(401, (await _ingest.SendAsync(request)).Status);
    }

    [Theory]
    [InlineData("/v2/events", "wpp-tui", "wpp-tui")]
    [InlineData("/triggers/orders/events", "orders", "trigger:orders")]
    [InlineData("/leads/42/events", "hub", "crm:hub")]
    [InlineData("/broker/events", "hub", "broker:hub")]
    [InlineData("/waha/events", "hub", "waha:hub")]
    [InlineData("/evolution/events/messages-upsert", "hub", "evolution:hub")]
    [InlineData("/v2/events", "trigger:orders", null)]
    [InlineData("/v2/events", "service:membership", null)]
    [InlineData("/triggers/orders/events", "orders:", null)]
    public async Task The_source_says_through_which_door_an_event_came(string path, string name, string? source)
    {
        var tenant = Guid.NewGuid().ToString();
        const string body = """{"type":"trigger.fired","stage_id":"won","event":"message","payload":{}}""";
        using var request = IngestUnderTest.Request(path, body, Guid.NewGuid().ToString(), tenant, name, ("Idempotency-Key", "1"));

        var answer = await _ingest.SendAsync(request);

        Assert.Equal(source is null, answer.Status == 401);
        Assert.Equal(source is null ? [] : [source], (await _ingest.ExportAsync(new EventFilter { Tenant = tenant })).Select(static item => item.Source));
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("7")]
    [InlineData("377a14bef301532d8efbadfe5b0fcfd5")]
    [InlineData("{377a14be-f301-532d-8efb-adfe5b0fcfd5}")]
    [InlineData("377a14be-f301-532d-8efb-adfe5b0fcfd5, 377a14be-f301-532d-8efb-adfe5b0fcfd5")]
    public async Task An_event_id_that_is_no_uuid_is_400_whatever_the_body(string? id)
    {
        foreach (var path in new[] { "/v1/events", "/v2/events" })
        {
            var (status, problem) = await _ingest.SendAsync(IngestUnderTest.Request(path, "not json", id));
            Assert.Equal(400, status);
            Assert.Equal("invalid_event_id", JsonDocument.Parse(problem).RootElement.GetProperty("code").GetString());
        }
    }

    [Fact]
    public async Task A_body_that_breaks_rules_is_422_with_all_reasons_and_without_a_word_of_it()
    {
        var (status, problem) = await _ingest.PostV2Async(Guid.NewGuid().ToString(), """{"type":["secret-type"],"chat_jid":12025550103,"payload":"secret-payload"}""", _tenant);
        var errors = JsonDocument.Parse(problem).RootElement.GetProperty("errors");
        Assert.Equal(422, status);
        Assert.Equal(["type", "chat_jid", "payload"], errors.EnumerateObject().Select(static field => field.Name));
        Assert.DoesNotContain("secret", problem, StringComparison.Ordinal);
        Assert.DoesNotContain("12025550103", problem, StringComparison.Ordinal);
        Assert.Empty(await StoredAsync("type"));
    }

    [Theory]
    [MemberData(nameof(HostileBodies))]
    public async Task Hostile_bodies_get_a_documented_answer(byte[] body, int status, string? stored)
    {
        var answer = await _ingest.SendAsync(IngestUnderTest.Request("/v2/events", body, Guid.NewGuid().ToString(), _tenant));
        Assert.Equal(status, answer.Status);
        Assert.Equal(stored is null ? [] : [stored], await StoredAsync("type || payload"));
    }

    public static TheoryData<byte[], int, string?> HostileBodies()
    {
        var data = new TheoryData<byte[], int, string?>();
        void Add(string body, int status, string? stored = null) => data.Add(Encoding.UTF8.GetBytes(body), status, stored);
        Add("", 422);
        Add("{\"type\":\"t\",\"payload\":{", 422);
        Add(new string('[', 20_000), 422);
        Add("{\"type\":\"t\",\"payload\":" + new string('[', 20_000) + new string(']', 20_000) + "}", 422);
        Add("{\"type\":\"t\",\"payload\":{\"n\":1e999999}}", 201, "t{\"n\":1e999999}");
        Add("{\"type\":\"t\",\"payload\":{\"a\":1,\"a\":2}}", 201, "t{\"a\":1,\"a\":2}");
        Add("{\"type\":\"t\",\"type\":\"u\",\"payload\":{}}", 422);
        Add("{\"type\":\"t\\u0000\\u000a\\u007f\",\"chat_jid\":\"1\\u0000\\n@g.us\",\"payload\":{\"a\\u0000\":\"\\ud800\"}}", 201, "t\n\u007f{\"a\":\"\uFFFD\"}");
        Add("\uFEFF{\"type\":\"t\",\"payload\":{}}", 201, "t{}");
        Add("{\"type\":\"t\",\"payload\":{'a':1}}", 422);
        Add("{\"type\":\"t\",/*c*/\"payload\":{}}", 422);
        Add("{\"type\":\"t\",\"payload\":{\"a\":NaN}}", 422);
        Add("{\"type\":\"t\",\"payload\":{\"a\":\"line\nfeed\"}}", 422);
        data.Add([.. "{\"type\":\"t\",\"payload\":{\"a\":\""u8, 0x00, 0xFF, .. "\"}}"u8], 201, "t{\"a\":\"\uFFFD\"}");
        data.Add(Encoding.Unicode.GetBytes("{\"type\":\"t\",\"payload\":{}}"), 422, null);
        data.Add([0x1F, 0x8B, 0x08, 0x00], 422, null);
        return data;
    }

    [Fact]
    public async Task A_body_over_the_cap_is_413_with_and_without_a_stated_length()
    {
        await using var database = await TestDatabase.CreateAsync();
        await using var ingest = await IngestUnderTest.StartAsync(database.ConnectionString, settings: ("Ingest:MaxBodyBytes", "2000"));
        var big = $$"""{"type":"t","payload":["{{new string('x', 3000)}}"]}""";
        Assert.Equal(413, (await ingest.PostV2Async(Guid.NewGuid().ToString(), big)).Status);
        using var chunked = IngestUnderTest.Request("/v2/events", big, Guid.NewGuid().ToString());
        chunked.Headers.TransferEncodingChunked = true;
        Assert.Equal(413, (await ingest.SendAsync(chunked)).Status);
        using var small = IngestUnderTest.Request("/v2/events", $$"""{"type":"t","payload":["{{new string('x', 1900)}}"]}""", Guid.NewGuid().ToString());
        small.Headers.TransferEncodingChunked = true;
        Assert.Equal(201, (await ingest.SendAsync(small)).Status);
    }

    [Fact]
    public async Task Without_its_database_ingest_says_503_and_stores_again_once_it_is_back()
    {
        await using var database = await TestDatabase.CreateAsync();
        await using var ingest = await IngestUnderTest.StartAsync(database.ConnectionString);
        Assert.Equal(201, (await ingest.PostV2Async(Guid.NewGuid().ToString(), Body)).Status);
        await database.ServerConnectionString.ExecuteAsync(
            $"alter database {database.Name} allow_connections false; select pg_terminate_backend(pid) from pg_stat_activity where datname = '{database.Name}'");
        using var answer = await ingest.PostAsync("/v2/events", Body, Guid.NewGuid().ToString());
        Assert.Equal(HttpStatusCode.ServiceUnavailable, answer.StatusCode);
        Assert.Equal("2", Assert.Single(answer.Headers.GetValues("Retry-After")));
        Assert.Equal("unavailable", JsonDocument.Parse(await answer.Content.ReadAsStringAsync()).RootElement.GetProperty("code").GetString());
        await database.ServerConnectionString.ExecuteAsync($"alter database {database.Name} allow_connections true");
        Assert.Equal(201, (await ingest.PostV2Async(Guid.NewGuid().ToString(), Body)).Status);
    }

    [Fact]
    public async Task A_full_queue_is_503_and_nothing_of_it_is_stored()
    {
        await using var database = await TestDatabase.CreateAsync();
        await using var ingest = await IngestUnderTest.StartAsync(
            database.ConnectionString, null, null, ("Ingest:QueueCapacity", "2"), ("Ingest:MaxBatchRequests", "1"));
        Assert.Equal(201, (await ingest.PostV2Async(Guid.NewGuid().ToString(), Body)).Status);

        await using var blocker = new Npgsql.NpgsqlConnection(database.ConnectionString);
        await blocker.OpenAsync();
        await using var transaction = await blocker.BeginTransactionAsync();
        await new Npgsql.NpgsqlCommand("select position from head for update", blocker).ExecuteScalarAsync();
        var posts = Enumerable.Range(0, 20).Select(_ => ingest.PostV2Async(Guid.NewGuid().ToString(), Body)).ToList();
        await Eventually.TrueAsync(() => posts.Count(static post => post.IsCompleted) >= 17, "requests beyond the queue are refused at once");
        await transaction.RollbackAsync();

        var statuses = (await Task.WhenAll(posts)).Select(static answer => answer.Status).ToList();
        Assert.All(statuses, static status => Assert.True(status is 201 or 503));
        Assert.InRange(statuses.Count(static status => status == 201), 1, 3);
        Assert.Equal(1L + statuses.Count(static status => status == 201), await database.ConnectionString.ScalarAsync<long>("select count(*) from whatsapp_events"));
    }

    [Fact]
    public async Task An_append_that_cannot_get_the_lock_is_503_after_two_seconds()
    {
        await using var database = await TestDatabase.CreateAsync();
        await using var ingest = await IngestUnderTest.StartAsync(database.ConnectionString);
        Assert.Equal(201, (await ingest.PostV2Async(Guid.NewGuid().ToString(), Body)).Status);
        await using var blocker = new Npgsql.NpgsqlConnection(database.ConnectionString);
        await blocker.OpenAsync();
        await using (var transaction = await blocker.BeginTransactionAsync())
        {
            await new Npgsql.NpgsqlCommand("select position from head for update", blocker).ExecuteScalarAsync();
            Assert.Equal(503, (await ingest.PostV2Async(Guid.NewGuid().ToString(), Body)).Status);
        }
        Assert.Equal(201, (await ingest.PostV2Async(Guid.NewGuid().ToString(), Body)).Status);
    }

    [Fact]
    public async Task Every_door_answers_as_its_contract_says()
    {
        foreach (var _ in new[] { "new", "duplicate" })
        {
            Assert.Equal((200, """{"status":"ok"}"""), await _ingest.SendAsync(IngestUnderTest.Request("/triggers/t1/events", "{}", tenant: _tenant, headers: ("Idempotency-Key", "k"))));
            var lead = await _ingest.SendAsync(IngestUnderTest.Request("/leads/l1/events", """{"stage_id":"s"}""", tenant: _tenant, headers: ("Idempotency-Key", "k")));
            Assert.Equal((202, $$"""{"status":"accepted","event_id":"{{WhatsAppMesh.Events.DerivedId.Of($"lead|{_tenant}|l1|k")}}"}"""), lead);
            Assert.Equal((202, """{"status":"accepted","events":2}"""), await _ingest.SendAsync(IngestUnderTest.Request("/broker/events", """[{"type":"A","id":"1"},{"type":"A","id":"2"}]""", tenant: _tenant)));
            Assert.Equal((204, ""), await _ingest.SendAsync(IngestUnderTest.Request("/broker/events", "[]", tenant: _tenant)));
            Assert.Equal(202, (await _ingest.SendAsync(IngestUnderTest.Request("/waha/events", """{"event":"message","session":"s","id":"1"}""", tenant: _tenant))).Status);
        }
        Assert.Equal(400, (await _ingest.SendAsync(IngestUnderTest.Request("/leads/l1/events", """{"stage_id":"s"}""", tenant: _tenant))).Status);
        Assert.Equal(5, (await StoredAsync("payload")).Count);
    }

    [Theory]
    [InlineData("/leads/a%00b/events")]
    [InlineData("/triggers/a%C0%80b/events")]
    [InlineData("/triggers/a%ED%A0%80b/events")]
    [InlineData("/triggers/..%2f..%2fa/events")]
    public async Task An_id_in_the_path_can_smuggle_nothing_into_the_payload(string path)
    {
        var answer = await _ingest.SendAsync(IngestUnderTest.Request(path, """{"stage_id":"s"}""", tenant: _tenant, headers: ("Idempotency-Key", "k")));
        Assert.True(answer.Status is 200 or 202 or 400 or 404, $"{answer}");
        Assert.All(await StoredAsync("payload"), static payload => Assert.DoesNotContain("u0000", payload, StringComparison.Ordinal));
    }

    [Fact]
    public async Task The_trace_of_the_request_is_stored_with_its_event()
    {
        const string Trace = "4bf92f3577b34da6a3ce929d0e0e4736";
        await _ingest.SendAsync(IngestUnderTest.Request("/v2/events", Body, Guid.NewGuid().ToString(), _tenant, headers: ("traceparent", $"00-{Trace}-00f067aa0ba902b7-01")));
        Assert.Contains(Trace, Assert.Single(await StoredAsync("traceparent")), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Probes_and_metrics_stand_on_the_http_port()
    {
        await using var database = await TestDatabase.CreateAsync();
        await using var sidecar = await FakeSidecar.StartAsync();
        await using var ingest = await IngestUnderTest.StartAsync(database.ConnectionString, sidecar);
        // Other tests of this process count under the same names: the source tells them apart.
        var (id, source) = (Guid.NewGuid().ToString(), $"source-{Guid.NewGuid()}");
        await ingest.PostV2Async(id, Body, source: source);
        await ingest.PostV2Async(id, Body, source: source);
        await ingest.PostV2Async(id, Body.Replace("1717243200", "1717243201", StringComparison.Ordinal), source: source);
        await ingest.PostV2Async(Guid.NewGuid().ToString(), Body.Replace("messages.upsert", "made.up", StringComparison.Ordinal), source: source);
        await ingest.PostV2Async(id, "{}", source: source);
        Assert.Equal(HttpStatusCode.OK, (await ingest.Http.GetAsync("/readyz")).StatusCode);
        var metrics = await ingest.Http.GetStringAsync("/metrics");
        foreach (var (type, result) in new[] { ("messages.upsert", "accepted"), ("messages.upsert", "duplicate"), ("messages.upsert", "revised"), ("other", "accepted"), ("other", "rejected") })
        {
            Assert.Single(metrics.Split('\n'), line =>
                line.StartsWith("mesh_ingest_events_total{", StringComparison.Ordinal) && line.EndsWith("} 1", StringComparison.Ordinal)
                && line.Contains($"source=\"{source}\"", StringComparison.Ordinal) && line.Contains($"type=\"{type}\"", StringComparison.Ordinal)
                && line.Contains($"result=\"{result}\"", StringComparison.Ordinal));
        }
        Assert.Contains("mesh_dedupe_hit_ratio{} ", metrics, StringComparison.Ordinal);
        Assert.Contains("mesh_ingest_commit_batch_size_count{} ", metrics, StringComparison.Ordinal);
        Assert.Contains("mesh_unpublished_events{} ", metrics, StringComparison.Ordinal);
        Assert.Contains("mesh_unpublished_oldest_age_seconds{} ", metrics, StringComparison.Ordinal);
    }

    private Task<List<string>> StoredAsync(string column) =>
        shared.Database.ListAsync<string>($"select {column} from whatsapp_events e join tenants t on t.id = e.tenant where t.name = '{_tenant}'");
}
