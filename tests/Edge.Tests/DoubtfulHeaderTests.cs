using WhatsAppMesh.Edge.Tests.Driving;

namespace WhatsAppMesh.Edge.Tests;

/// <summary>Requests whose headers can be read in two ways are refused, whichever way would have been right.</summary>
public sealed class DoubtfulHeaderTests
{
    [Theory]
    [InlineData("X-Signature")]
    [InlineData("X-Event-Id")]
    public async Task Header_sent_twice_counts_as_a_wrong_signature_even_when_both_are_equal(string header)
    {
        await using var edge = await EdgeUnderTest.StartAsync();
        var request = Signing.SignedV2();
        var value = request.Headers.GetValues(header).Single();
        await using var raw = await RawConnection.OpenAsync(edge);
        var signature = request.Headers.GetValues("X-Signature").Single();
        await raw.PostAsync(Signing.Body, $"X-Signature: {signature}", $"X-Event-Id: {Signing.EventId}", $"{header}: {value}");
        Assert.Equal(401, await raw.ReadStatusAsync());
        Assert.Empty(edge.Ingest.Requests);
        await Answers.EventuallyAsync(() => Task.FromResult(edge.Metrics.HasReason("ambiguous")), "the reason is counted");
    }

    [Fact]
    public async Task Both_collector_styles_at_once_count_as_a_wrong_signature()
    {
        var key = new byte[] { 1, 2, 3, 4, 5, 6, 7, 8 };
        var secret = "whsec_" + Convert.ToBase64String(key);
        await using var edge = await EdgeUnderTest.StartAsync(EdgeUnderTest.With([], "Edge:Sources:0", "default", secret));
        var webhook = Signing.SignedWebhook(key, DateTimeOffset.UtcNow);
        var signed = Signing.SignedV2(secret: secret);
        var signature = signed.Headers.GetValues("X-Signature").Single();
        await edge.InvalidAsync(webhook.With("X-Signature", signature).With("X-Event-Id", Signing.EventId));
        await edge.InvalidAsync(signed.With("webhook-id", Signing.EventId));
        Assert.Empty(edge.Ingest.Requests);
    }

    [Fact]
    public async Task Two_collector_names_are_nobody()
    {
        await using var edge = await EdgeUnderTest.StartAsync();
        await edge.InvalidAsync(Signing.SignedV2().With("X-Collector", "default").With("X-Collector", "default"));
    }

    [Theory]
    [InlineData("")]
    [InlineData("zz")]
    [InlineData("sha256=")]
    [InlineData("sha1=0862ed27c73871a85a0db470c1ad38ec53ad6662")]
    public async Task Signature_that_is_no_digest_is_refused(string tail)
    {
        await using var edge = await EdgeUnderTest.StartAsync();
        var right = Signing.Hmac(Signing.Secret, $"{Signing.EventId}.{Signing.Body}");
        var base64 = Convert.ToBase64String(Convert.FromHexString(right));
        foreach (var signature in new[] { "sha256=" + tail, right + tail + "00", right[..62], right[..62] + "zz", $"{right},{right}", base64 })
            await edge.InvalidAsync(Signing.Post(Signing.V2).With("X-Event-Id", Signing.EventId).With("X-Signature", signature));
        Assert.Empty(edge.Ingest.Requests);
    }

    [Fact]
    public async Task Unknown_source_and_wrong_signature_get_the_same_answer()
    {
        await using var edge = await EdgeUnderTest.StartAsync();
        using var unknown = await edge.Client.SendAsync(Signing.SignedV2(secret: "wrong").With("X-Collector", "nobody"));
        using var wrong = await edge.Client.SendAsync(Signing.SignedV2(secret: "wrong"));
        Assert.Equal(wrong.StatusCode, unknown.StatusCode);
        Assert.Equal(await wrong.Content.ReadAsStringAsync(), await unknown.Content.ReadAsStringAsync());
        Assert.Equal(wrong.Headers.Select(static header => header.Key).Order(), unknown.Headers.Select(static header => header.Key).Order());
        await Answers.EventuallyAsync(() => Task.FromResult(edge.Metrics.Timed == 2), "both are counted");
        Assert.Equal(1, edge.Metrics.Requests("unknown", "refused", "unknown_source"));
        Assert.Equal(1, edge.Metrics.Requests("default", "refused", "wrong_signature"));
    }
}
