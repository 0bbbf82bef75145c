using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using WhatsAppMesh.Events;
using WhatsAppMesh.LocalPostgres;

namespace WhatsAppMesh.Ingest.Tests;

/// <summary>What senders say twice is stored once: over HTTP, as edge forwards it.</summary>
public class DeliveriesTests(SharedIngest shared) : IClassFixture<SharedIngest>
{
    private const string Event = """{"type":"messages.upsert","payload":{"key":{"id":"3EB0C5"}}}""";

    private readonly IngestUnderTest _ingest = shared.Ingest;
    private readonly string _tenant = $"tenant-{Guid.NewGuid()}";

    [Theory]
    [InlineData("msg_2KWPBgLlAfxdpx2AI54pPJ85f4W")]
    [InlineData("evt_01ka9a0x73vrx3aqra9rhjmfvy")]
    [InlineData("01KA9A0X73YE531P7NDK971HQ5")]
    [InlineData("12345")]
    [InlineData("72d3162ecc7811e381ab4c9367dc0958")]
    [InlineData("a|b.c%00{}")]
    [InlineData("longest")]
    public async Task Opaque_ids_of_standard_webhooks_are_taken_and_a_retry_is_a_duplicate(string id)
    {
        id = id == "longest" ? new string('x', 512) : id;
        Assert.Equal((201, """{"status":"stored"}"""), await OpaqueAsync(id));
        Assert.Equal(201, (await OpaqueAsync(id)).Status);
        Assert.Equal([DerivedId.Of($"webhook|{_tenant}|wpp-tui|{id}").ToString()], await StoredAsync("event_id::text"));
    }

    [Fact]
    public async Task Two_senders_may_use_one_opaque_id_and_a_uuid_stays_as_it_is()
    {
        var uuid = Guid.NewGuid().ToString();
        await OpaqueAsync("msg_1");
        await OpaqueAsync("msg_1", source: "other");
        await OpaqueAsync("MSG_1");
        await OpaqueAsync(uuid);
        await OpaqueAsync(uuid.ToUpperInvariant());
        var ids = await StoredAsync("event_id::text");
        Assert.Equal(4, ids.Distinct().Count());
        Assert.Contains(uuid, ids);
    }

    [Fact]
    public async Task Both_paths_know_an_opaque_id_and_the_first_answers_with_the_uuid_it_became()
    {
        await OpaqueAsync("msg_1", Event);
        var v1 = """{"type":"messages.upsert","occurred_at":1717243200,"payload":{"key":{"id":"3EB0C5"}}}""";
        var id = DerivedId.Of($"webhook|{_tenant}|wpp-tui|msg_1");
        Assert.Equal((202, $$"""{"status":"duplicate","event_id":"{{id}}"}"""), await OpaqueAsync("msg_1", v1, path: "/v1/events"));
    }

    [Theory]
    [InlineData("a b")]
    [InlineData("too long")]
    [InlineData(null)]
    public async Task An_opaque_id_that_cannot_be_one_is_400_and_says_why(string? id)
    {
        var (status, body) = await OpaqueAsync(id == "too long" ? new string('x', 513) : id);
        Assert.Equal((400, "invalid_event_id"), (status, Member(body, "code")));
        Assert.Equal("A webhook-id has 1 to 512 visible ASCII characters", Member(body, "error"));
        Assert.Empty(await StoredAsync("1::text"));
    }

    [Theory]
    [InlineData("X-Mesh-Delivery-Id", "72d3162e-cc78-11e3-81ab-4c9367dc0958", """{"action":"opened"}""", """{"action":"opened"}""")]
    [InlineData("X-Mesh-Delivery-Id", "72d3162e-cc78-11e3-81ab-4c9367dc0959", """{"webhookTimestamp":1}""", """{"webhookTimestamp":2}""")]
    [InlineData("X-Mesh-Delivery-Field", "id", """{"id":"evt_1","pending_webhooks":2}""", """{"id":"evt_1","pending_webhooks":1}""")]
    public async Task A_retry_of_a_named_scheme_fires_once_whatever_its_bytes(string header, string value, string first, string retry)
    {
        Assert.Equal((200, """{"status":"ok"}"""), await FireAsync(first, (header, value)));
        Assert.Equal((200, """{"status":"ok"}"""), await FireAsync(retry, (header, value)));
        Assert.Equal([$$"""{"trigger_id":"pay","body":{{first}}}"""], await StoredAsync("payload"));
    }

    [Fact]
    public async Task States_of_one_message_are_events_of_their_own_and_each_has_its_retries()
    {
        foreach (var status in new[] { "sent", "delivered", "sent", "read", "delivered" })
            await FireAsync($$"""{"messageId":"wamid-1","status":"{{status}}"}""");
        Assert.Equal(3, (await StoredAsync("event_id::text")).Distinct().Count());
        Assert.Equal(3, (await StoredAsync("1::text")).Count);
    }

    [Fact]
    public async Task A_form_is_the_json_in_its_payload_and_its_retry_as_json_the_same_event()
    {
        const string json = """{"action":"opened","title":"a+b & 100 % ☺","number":7}""";
        var delivery = ("X-Mesh-Delivery-Id", "d-1");
        Assert.Equal(200, (await FormAsync("payload=" + Uri.EscapeDataString(json).Replace("%20", "+", StringComparison.Ordinal), delivery)).Status);
        Assert.Equal(200, (await FireAsync(json, delivery)).Status);
        Assert.Equal([$$"""{"trigger_id":"pay","body":{{json}}}"""], await StoredAsync("payload"));
    }

    [Theory]
    [InlineData("", "payload")]
    [InlineData("a=1&b=2", "payload")]
    [InlineData("payload=%7B%7D&payload=%7B%7D", "payload")]
    [InlineData("payload=%7", "payload")]
    [InlineData("payload=%zz", "payload")]
    [InlineData("payload=", "body")]
    [InlineData("payload=x", "body")]
    public async Task A_form_without_one_sound_payload_is_422_by_field(string form, string field)
    {
        var (status, body) = await FormAsync(form);
        Assert.Equal((422, "invalid_body"), (status, Member(body, "code")));
        Assert.Equal([field], JsonDocument.Parse(body).RootElement.GetProperty("errors").EnumerateObject().Select(static error => error.Name));
        Assert.Empty(await StoredAsync("1::text"));
    }

    [Fact]
    public async Task A_form_is_cleaned_like_any_body_and_its_other_fields_cost_nothing()
    {
        var bomb = string.Concat(Enumerable.Repeat("a[]=%zz&", 500_000));
        Assert.Equal(200, (await FormAsync(bomb + "payload=%7B%22n%22%3A%22a%00b%ff%22%7D&z")).Status);
        Assert.Equal(["""{"trigger_id":"pay","body":{"n":"ab�"}}"""], await StoredAsync("payload"));
    }

    [Theory]
    [InlineData("51_broker_message_inbound.json")]
    [InlineData("52_broker_raw_upsert_group_mix.json")]
    [InlineData("53_broker_raw_upsert_only_in_raw_json_string.json")]
    public async Task A_brokers_batch_is_known_again_by_its_messages(string file)
    {
        var body = await File.ReadAllTextAsync(SharedFiles.Payload(file));
        for (var i = 0; i < 2; i++)
            Assert.Equal(202, (await BrokerAsync(body)).Status);
        Assert.Single(await StoredAsync("1::text"));
    }

    [Fact]
    public async Task Instances_and_tenants_have_messages_of_their_own()
    {
        static string Of(string instance) =>
            $$$"""[{"event":"WHATSAPP_MESSAGES_UPSERT","iid":"{{{instance}}}","payload":{"messages":[{"key":{"remoteJid":"1@g.us","id":"A"}}]}}]""";
        await BrokerAsync(Of("one"));
        await BrokerAsync(Of("two"));
        await BrokerAsync(Of("one"));
        await BrokerAsync(Of("one"), _tenant + "-other");
        Assert.Equal(2, (await StoredAsync("1::text")).Count);
        Assert.Single(await StoredAsync("1::text", _tenant + "-other"));
    }

    [Fact]
    public async Task A_body_above_30_million_bytes_is_stored_and_one_above_the_limit_is_413()
    {
        await using var database = await TestDatabase.CreateAsync();
        await using var ingest = await IngestUnderTest.StartAsync(database.ConnectionString, settings: ("Mesh:MaxBodyBytes", "40000000"));
        static string Body(int size) => $$"""{"type":"t","payload":["{{new string('x', size)}}"]}""";
        Assert.Equal(201, (await ingest.PostV2Async(Guid.NewGuid().ToString(), Body(31_000_000))).Status);
        Assert.Equal(31_000_004, await database.ConnectionString.ScalarAsync<int>("select octet_length(payload) from whatsapp_events"));
        Assert.Equal(200, (await ingest.SendAsync(IngestUnderTest.Request("/triggers/t/events", Body(39_000_000), source: "t"))).Status);
        var (status, problem) = await ingest.PostV2Async(Guid.NewGuid().ToString(), Body(40_000_000));
        Assert.Equal((413, "body_too_large"), (status, Member(problem, "code")));
        using var chunked = IngestUnderTest.Request("/v2/events", Body(60_000_000), Guid.NewGuid().ToString());
        chunked.Headers.TransferEncodingChunked = true;
        Assert.Equal(413, (await ingest.SendAsync(chunked)).Status);
    }

    [Fact]
    public void One_setting_moves_every_limit_that_says_nothing_itself()
    {
        Assert.Equal((8 * 1024 * 1024, 256L * 1024 * 1024), Sizes());
        Assert.Equal((200_000_000, 400_000_000L), Sizes(("Mesh:MaxBodyBytes", "200000000")));
        Assert.Equal((200_000_000, 400_000_000L), Sizes(("Ingest:MaxBodyBytes", "200000000")));
        Assert.Equal((5000, 256L * 1024 * 1024), Sizes(("Mesh:MaxBodyBytes", "200000000"), ("Ingest:MaxBodyBytes", "5000")));

        static (int, long) Sizes(params (string Key, string Value)[] settings)
        {
            var all = settings.ToDictionary(static one => one.Key, static one => (string?)one.Value);
            var configuration = new ConfigurationBuilder().AddInMemoryCollection(all).Build();
            var options = (configuration.GetSection(IngestOptions.Section).Get<IngestOptions>() ?? new IngestOptions()).For(configuration);
            Assert.Empty(options.Validate());
            return (options.MaxBodyBytes, options.QueueBytes);
        }
    }

    private Task<(int Status, string Body)> OpaqueAsync(string? id, string body = Event, string source = "wpp-tui", string path = "/v2/events") =>
        _ingest.SendAsync(IngestUnderTest.Request(path, body, id, _tenant, source, ("X-Mesh-Event-Id-Form", "opaque")));

    private Task<(int Status, string Body)> FireAsync(string body, params (string Name, string Value)[] headers) =>
        _ingest.SendAsync(IngestUnderTest.Request("/triggers/pay/events", body, null, _tenant, "pay", headers));

    private Task<(int Status, string Body)> FormAsync(string form, params (string Name, string Value)[] headers)
    {
        var request = IngestUnderTest.Request("/triggers/pay/events", Encoding.UTF8.GetBytes(form), null, _tenant, "pay", headers);
        request.Content!.Headers.ContentType = MediaTypeHeaderValue.Parse("application/x-www-form-urlencoded; charset=utf8");
        return _ingest.SendAsync(request);
    }

    private Task<(int Status, string Body)> BrokerAsync(string body, string? tenant = null) =>
        _ingest.SendAsync(IngestUnderTest.Request("/broker/events", body, null, tenant ?? _tenant, "hub"));

    private Task<List<string>> StoredAsync(string column, string? tenant = null) => shared.Database.ListAsync<string>(
        $"select {column} from whatsapp_events where tenant = (select id from tenants where name = '{tenant ?? _tenant}') order by position");

    private static string? Member(string problem, string name) => JsonDocument.Parse(problem).RootElement.GetProperty(name).GetString();
}
