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
        await raw.SendAsync(
            $"POST {Signing.V2} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nX-Signature: {request.Headers.GetValues("X-Signature").Single()}\r\n"
            + $"X-Event-Id: {Signing.EventId}\r\n{header}: {value}\r\nContent-Length: {System.Text.Encoding.UTF8.GetByteCount(Signing.Body)}\r\n\r\n{Signing.Body}");
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
        await edge.RefusedAsync(webhook.With("X-Signature", signed.Headers.GetValues("X-Signature").Single()).With("X-Event-Id", Signing.EventId), 401, "invalid_signature");
        await edge.RefusedAsync(signed.With("webhook-id", Signing.EventId), 401, "invalid_signature");
        Assert.Empty(edge.Ingest.Requests);
    }

    [Fact]
    public async Task Two_collector_names_are_nobody()
    {
        await using var edge = await EdgeUnderTest.StartAsync();
        await edge.RefusedAsync(Signing.SignedV2().With("X-Collector", "default").With("X-Collector", "default"), 401, "invalid_signature");
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
        foreach (var signature in new[] { "sha256=" + tail, right + tail + "00", right[..62], right[..62] + "zz", $"{right},{right}", Convert.ToBase64String(Convert.FromHexString(right)) })
            await edge.RefusedAsync(Signing.Post(Signing.V2).With("X-Event-Id", Signing.EventId).With("X-Signature", signature), 401, "invalid_signature");
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
