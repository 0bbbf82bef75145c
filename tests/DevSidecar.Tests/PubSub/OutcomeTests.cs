using System.Net;
using WhatsAppMesh.DevSidecar.Tests.Running;
using WhatsAppMesh.LocalPostgres;

namespace WhatsAppMesh.DevSidecar.Tests.PubSub;

/// <summary>What becomes of a delivery, beyond what was recorded: policies, dead letters, apps that are away.</summary>
public sealed class OutcomeTests
{
    private const string Refused = """{"reply":{"code":500}}""";

    [Fact]
    public async Task Without_an_inbound_policy_there_is_one_attempt_and_then_the_dead_letter()
    {
        await using var run = await StartAsync([PubSubResources.Component(), PubSubResources.Subscription("a", "/a", "a.dead"), PubSubResources.Subscription("a.dead", "/dead")]);
        await run.Sidecar.PublishAsync("a", Refused);
        Assert.Equal(["/a", "/dead"], (await run.App.TakeAsync(2)).Select(delivery => delivery.Path));
    }

    [Fact]
    public async Task Retry_ignores_matching_and_an_unlisted_status_does_not_wait()
    {
        await using var run = await StartAsync(
        [
            PubSubResources.Component(),
            PubSubResources.Inbound("policy: constant, duration: 20ms, maxRetries: 2, matching: {httpStatusCodes: \"500-599\"}"),
            PubSubResources.Subscription("a", "/a", "a.dead"),
            PubSubResources.Subscription("a.dead", "/dead"),
        ]);
        await run.Sidecar.PublishAsync("a", """{"reply":{"code":200,"body":"{\"status\":\"RETRY\"}"}}""");
        Assert.Equal(["/a", "/a", "/a", "/dead"], (await run.App.TakeAsync(4)).Select(delivery => delivery.Path));

        await run.Sidecar.PublishAsync("a", """{"reply":{"code":429}}""");
        Assert.Equal(["/a", "/dead"], (await run.App.TakeAsync(2)).Select(delivery => delivery.Path));
    }

    [Fact]
    public async Task An_open_breaker_dead_letters_at_once_without_calling_the_app()
    {
        await using var run = await StartAsync(
        [
            PubSubResources.Component(),
            PubSubResources.Inbound(
                "policy: constant, duration: 20ms, maxRetries: 1",
                "    circuitBreakers:\n      once: {trip: consecutiveFailures > 1, timeout: 1h}",
                "          circuitBreaker: once"),
            PubSubResources.Subscription("a", "/a", "a.dead"),
        ]);
        await run.Sidecar.PublishAsync("a", Refused);
        Assert.Equal(["/a", "/a"], (await run.App.TakeAsync(2)).Select(delivery => delivery.Path));
        await Eventually.TrueAsync(async () => await run.MessagesAsync("a.dead") == 1, "the breaker has heard of the second refusal");

        await run.Sidecar.PublishAsync("a", "{}");
        await Eventually.TrueAsync(async () => await run.MessagesAsync("a.dead") == 2, "both are dead letters");
        Assert.Empty(await run.App.TakeForAsync(TimeSpan.FromMilliseconds(100)));
    }

    [Fact]
    public async Task A_dead_letter_keeps_bytes_metadata_and_the_original_topic()
    {
        await using var run = await StartAsync([PubSubResources.Component(), PubSubResources.Subscription("a", "/a", "a.dead"), PubSubResources.Subscription("a.dead", "/dead")]);
        await run.Sidecar.PublishAsync("a", Refused, "?metadata.partitionKey=k&metadata.cloudevent.id=one");

        var (first, dead) = await run.App.TakeAsync(2) is [var one, var two] ? (one, two) : default;
        Assert.Equal(first.Body, dead.Body);
        Assert.Equal(("a", "one", "k"), (dead.Json["topic"]!.GetValue<string>(), dead.Json["id"]!.GetValue<string>(), dead.Headers["partitionkey"]));
    }

    [Fact]
    public async Task Messages_stay_when_the_dead_letter_topic_may_not_be_published_to()
    {
        await using var run = await StartAsync([PubSubResources.Component(metadata: ("publishingScopes", "app=a")), PubSubResources.Subscription("a", "/a", "a.dead")]);
        await run.Sidecar.PublishAsync("a", """{"reply":{"code":200,"body":"{\"status\":\"DROP\"}"}}""");

        Assert.Equal(["/a", "/a"], (await run.App.TakeAsync(2)).Select(delivery => delivery.Path));
        Assert.Equal(HttpStatusCode.Forbidden, (await run.Sidecar.PostAsync("/v1.0/publish/pubsub/a.dead", "{}")).StatusCode);
    }

    [Fact]
    public async Task Kafka_delivers_again_what_the_app_refuses_and_redis_does_not()
    {
        await using var kafka = await StartAsync([PubSubResources.Component("pubsub.kafka", metadata: ("consumeRetryInterval", "50ms")), PubSubResources.Subscription("a", "/a")]);
        await kafka.Sidecar.PublishAsync("a", Refused);
        Assert.Equal(3, (await kafka.App.TakeAsync(3)).Count);

        await using var redis = await StartAsync([PubSubResources.Component("pubsub.redis"), PubSubResources.Subscription("a", "/a")]);
        await redis.Sidecar.PublishAsync("a", Refused);
        await redis.App.TakeAsync(1);
        await Eventually.TrueAsync(async () => await redis.LeasesAsync() == 0, "the message is settled");
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Nothing_is_lost_on_an_app_that_is_away_even_without_a_policy_and_a_dead_letter_topic(bool bulk)
    {
        await using var run = await StartAsync([PubSubResources.Component(), PubSubResources.Subscription("a", "/a", extra: bulk ? PubSubResources.Bulk(10, 10) : "")]);
        await run.Sidecar.PublishAsync("a", "{}", "?metadata.cloudevent.id=before");
        await run.App.TakeAsync(1);
        await Eventually.TrueAsync(async () => await run.LeasesAsync() == 0, "the first message is settled");
        var port = run.App.Port;
        await run.App.DisposeAsync();

        await run.Sidecar.PublishAsync("a", "{}", "?metadata.cloudevent.id=while-away");
        await Eventually.TrueAsync(async () => await run.LeasesAsync() == 1, "the message is leased");
        await using var back = await DeliveryApp.StartAsync(port: port);
        Assert.Equal(["while-away"], (await back.TakeAsync(1)).SelectMany(PubSubClient.Ids));
    }

    [Fact]
    public async Task Deliveries_carry_the_app_token_and_a_new_span_of_the_publishers_trace()
    {
        await using var run = await StartAsync([PubSubResources.Component(), PubSubResources.Subscription("a", "/a")], appToken: "for-the-app");
        using var request = new HttpRequestMessage(HttpMethod.Post, "/v1.0/publish/pubsub/a")
        {
            Content = JsonContent.Create(new { a = 1 }),
            Headers = { { "traceparent", "00-11111111111111111111111111111111-2222222222222222-01" } },
        };
        using var answer = await run.Sidecar.Http.SendAsync(request);
        var delivery = (await run.App.TakeAsync(1))[0];

        Assert.Equal("for-the-app", delivery.Headers["dapr-api-token"]);
        var stored = delivery.Json["traceparent"]!.GetValue<string>();
        Assert.All([stored, delivery.Headers["traceparent"]], span => Assert.StartsWith("00-11111111111111111111111111111111-", span, StringComparison.Ordinal));
        Assert.Equal(3, new[] { stored, delivery.Headers["traceparent"], "00-11111111111111111111111111111111-2222222222222222-01" }.Distinct().Count());
    }

    [Fact]
    public async Task Publishing_needs_the_api_token()
    {
        await using var database = await TestDatabase.CreateAsync();
        await using var sidecar = await RunningSidecar.StartAsync(database.ConnectionString, "app", resources: [PubSubResources.Component()], apiToken: "secret");
        await sidecar.PublishAsync("a", "{}");
        using var stranger = new HttpClient { BaseAddress = new Uri(sidecar.HttpAddress) };
        using var answer = await stranger.PostAsync("/v1.0/publish/pubsub/a", new StringContent("{}"));
        Assert.Equal((HttpStatusCode.Unauthorized, "text/plain"), (answer.StatusCode, answer.Content.Headers.ContentType?.MediaType));
    }

    [Fact]
    public async Task A_time_to_live_becomes_an_expiration_and_an_expired_event_is_not_delivered()
    {
        await using var run = await StartAsync([PubSubResources.Component(), PubSubResources.Subscription("a", "/a")]);
        await run.Sidecar.PublishAsync("a", "{}", "?metadata.ttlInSeconds=100");
        var expiration = DateTimeOffset.Parse((await run.App.TakeAsync(1))[0].Json["expiration"]!.GetValue<string>());
        Assert.InRange(expiration - TimeProvider.System.GetUtcNow(), TimeSpan.FromSeconds(70), TimeSpan.FromSeconds(100));
    }

    [Fact]
    public async Task A_subscriber_of_raw_payloads_gets_them_wrapped()
    {
        await using var run = await StartAsync([PubSubResources.Component(), PubSubResources.Subscription("a", "/a", extra: "  metadata: {rawPayload: \"true\"}")]);
        await run.Sidecar.PublishAsync("a", "not json", "?metadata.rawPayload=true");
        var envelope = (await run.App.TakeAsync(1))[0].Json;
        Assert.Equal("not json"u8.ToArray(), Convert.FromBase64String(envelope["data_base64"]!.GetValue<string>()));
        Assert.Equal("application/octet-stream", envelope["datacontenttype"]!.GetValue<string>());
    }

    private static Task<PubSubRun> StartAsync(string[] resources, string? appToken = null) => PubSubRun.StartAsync(resources, appToken: appToken);
}
