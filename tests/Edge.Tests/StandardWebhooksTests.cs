using WhatsAppMesh.Edge.Tests.Driving;

namespace WhatsAppMesh.Edge.Tests;

/// <summary>Standard Webhooks, on both collector paths.</summary>
public sealed class StandardWebhooksTests
{
    private static readonly byte[] Key = [.. Enumerable.Range(1, 24).Select(static i => (byte)i)];

    private static readonly string Secret = "whsec_" + Convert.ToBase64String(Key);

    [Theory]
    [InlineData(Signing.V1, "/v1/events")]
    [InlineData(Signing.V2, "/v2/events")]
    public async Task Request_is_accepted_on_both_paths_and_its_id_is_the_event_id(string path, string atIngest)
    {
        await using var edge = await StartAsync();
        await edge.AcceptedAsync(Signing.SignedWebhook(Key, edge.Clock.GetUtcNow(), path: path));
        var arrived = edge.Ingest.Single();
        Assert.Equal(atIngest, arrived.Target);
        Assert.Equal(Signing.EventId, arrived["X-Mesh-Event-Id"]);
        Assert.Equal(Signing.Body, arrived.Text);
    }

    [Theory]
    [InlineData(0, true)]
    [InlineData(-300, true)]
    [InlineData(300, true)]
    [InlineData(-301, false)]
    [InlineData(301, false)]
    public async Task Time_counts_only_within_300_seconds_of_ours(int seconds, bool accepted)
    {
        await using var edge = await StartAsync();
        var request = Signing.SignedWebhook(Key, edge.Clock.GetUtcNow().AddSeconds(seconds));
        if (accepted)
        {
            await edge.AcceptedAsync(request);
            return;
        }

        await edge.RefusedAsync(request, 401, "invalid_signature", "Invalid signature");
        await Answers.EventuallyAsync(() => Task.FromResult(edge.Metrics.HasReason("outside_window")), "the reason is counted");
    }

    [Fact]
    public async Task Captured_request_is_useless_after_the_window()
    {
        await using var edge = await StartAsync();
        var time = edge.Clock.GetUtcNow();
        await edge.AcceptedAsync(Signing.SignedWebhook(Key, time));
        edge.Clock.Shift = TimeSpan.FromSeconds(301);
        await edge.InvalidAsync(Signing.SignedWebhook(Key, time));
        var now = Signing.Seconds(edge.Clock.GetUtcNow());
        var newTime = Signing.SignedWebhook(Key, time).Without("webhook-timestamp").With("webhook-timestamp", now);
        await edge.InvalidAsync(newTime);
    }

    [Fact]
    public async Task One_right_signature_among_others_is_enough()
    {
        await using var edge = await StartAsync();
        var now = edge.Clock.GetUtcNow();
        var wrong = Signing.WebhookSignature([9, 9, 9], now);
        var right = Signing.WebhookSignature(Key, now);
        var base64 = right[3..];
        string[] good = [$"{wrong} {right}", $"{right} {wrong}", $"v1a,abcd {right}", $"v1,not-base64 v2,{base64} {right}", $"  {right} "];
        foreach (var list in good)
            await edge.AcceptedAsync(With(list));
        string[] bad = [wrong, "v1,", "v1", base64, $"v2,{base64}", $"V1,{base64}", $"v1={base64}"];
        foreach (var list in bad)
            await edge.InvalidAsync(With(list));
        var tooMany = string.Join(' ', Enumerable.Repeat(wrong, 16).Append(right));
        await edge.InvalidAsync(With(tooMany));

        HttpRequestMessage With(string list) => Signing.SignedWebhook(Key, now).Without("webhook-signature").With("webhook-signature", list);
    }

    [Theory]
    [InlineData("webhook-id")]
    [InlineData("webhook-timestamp")]
    [InlineData("webhook-signature")]
    public async Task Missing_header_is_told(string header)
    {
        await using var edge = await StartAsync();
        var request = Signing.SignedWebhook(Key, edge.Clock.GetUtcNow()).Without(header);
        await edge.RefusedAsync(request, 401, "missing_signature", "Missing signature or event id");
    }

    [Theory]
    [InlineData("1e9")]
    [InlineData("-5")]
    [InlineData("0x65")]
    [InlineData("99999999999999999999")]
    [InlineData("9223372036854775807")]
    public async Task Time_that_is_no_number_of_seconds_is_refused(string time)
    {
        await using var edge = await StartAsync();
        var request = Signing.SignedWebhook(Key, edge.Clock.GetUtcNow()).Without("webhook-timestamp").With("webhook-timestamp", time);
        await edge.InvalidAsync(request);
    }

    [Fact]
    public async Task Plain_secret_or_a_source_that_does_not_allow_it_takes_no_standard_webhook()
    {
        await using var plain = await EdgeUnderTest.StartAsync();
        await plain.RefusedAsync(
            Signing.SignedWebhook(System.Text.Encoding.UTF8.GetBytes(Signing.Secret), plain.Clock.GetUtcNow()), 401, "invalid_signature");
        await using var strict = await EdgeUnderTest.StartAsync(
            EdgeUnderTest.With(new() { ["Edge:Sources:0:Schemes:0"] = "id-and-body" }, "Edge:Sources:0", "default", Secret));
        await strict.InvalidAsync(Signing.SignedWebhook(Key, strict.Clock.GetUtcNow()));
        await strict.AcceptedAsync(Signing.SignedV2(secret: Secret));
    }

    private static Task<EdgeUnderTest> StartAsync() => EdgeUnderTest.StartAsync(EdgeUnderTest.With([], "Edge:Sources:0", "default", Secret));
}
