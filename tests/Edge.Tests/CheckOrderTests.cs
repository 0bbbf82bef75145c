using System.Globalization;
using WhatsAppMesh.Edge.Tests.Driving;

namespace WhatsAppMesh.Edge.Tests;

/// <summary>Every check has its answer, and of two problems the earlier check answers.</summary>
public sealed class CheckOrderTests
{
    private const int SmallCap = 2048;

    private static readonly string LargeBody = "{\"type\":\"x\",\"payload\":{\"text\":\"" + new string('a', SmallCap) + "\"}}";

    private static readonly Dictionary<string, string?> SmallBodies = new()
    {
        ["Edge:Limits:BodyBytes"] = SmallCap.ToString(CultureInfo.InvariantCulture),
    };

    [Fact]
    public async Task Address_over_its_rate_is_answered_before_anything_is_read()
    {
        await using var edge = await EdgeUnderTest.StartAsync(
            new(SmallBodies) { ["Edge:Limits:AddressRequestsPerSecond"] = "0.01", ["Edge:Limits:AddressBurst"] = "2" });
        await edge.AcceptedAsync(Signing.SignedV2());
        await edge.InvalidAsync(Signing.SignedV2(secret: "wrong"));
        using var answer = await edge.RefusedAsync(Signing.SignedV2(LargeBody), 429, "rate_limited");
        Assert.InRange(answer.Headers.RetryAfter!.Delta!.Value.TotalSeconds, 1, 100);
    }

    [Fact]
    public async Task Large_body_is_answered_before_its_content_type()
    {
        await using var edge = await EdgeUnderTest.StartAsync(SmallBodies);
        using var answer = await edge.RefusedAsync(Signing.Post(Signing.V2, LargeBody, "text/plain"), 413, "body_too_large");
        Assert.True(answer.Headers.ConnectionClose);
    }

    [Fact]
    public async Task Chunked_large_body_is_answered_before_its_content_type()
    {
        await using var edge = await EdgeUnderTest.StartAsync(SmallBodies);
        var request = Signing.Post(Signing.V2, LargeBody, "text/plain");
        request.Headers.TransferEncodingChunked = true;
        await edge.RefusedAsync(request, 413, "body_too_large");
    }

    [Theory]
    [InlineData("text/plain")]
    [InlineData("application/x-www-form-urlencoded")]
    [InlineData("application/jsonp")]
    [InlineData("application/json; charset=utf-16")]
    [InlineData("application/json; charset=iso-8859-1")]
    [InlineData("text/json")]
    [InlineData("json")]
    public async Task Content_that_is_not_json_is_answered_before_the_source(string contentType)
    {
        await using var edge = await EdgeUnderTest.StartAsync();
        var request = Signing.Post(Signing.V2).With("X-Collector", "nobody");
        request.Content!.Headers.Remove("Content-Type");
        request.Content.Headers.TryAddWithoutValidation("Content-Type", contentType);
        await edge.RefusedAsync(request, 415, "unsupported_media_type");
    }

    [Fact]
    public async Task Content_without_type_with_two_types_or_compressed_is_not_json()
    {
        await using var edge = await EdgeUnderTest.StartAsync();
        var untyped = Signing.SignedV2();
        untyped.Content!.Headers.ContentType = null;
        await edge.RefusedAsync(untyped, 415, "unsupported_media_type");
        var compressed = Signing.SignedV2();
        compressed.Content!.Headers.ContentEncoding.Add("gzip");
        await edge.RefusedAsync(compressed, 415, "unsupported_media_type");
        await using var raw = await RawConnection.OpenAsync(edge);
        await raw.PostAsync("{}", "Content-Type: text/plain");
        Assert.Equal(415, await raw.ReadStatusAsync());
    }

    [Theory]
    [InlineData("application/json")]
    [InlineData("application/json; charset=utf-8")]
    [InlineData("APPLICATION/JSON;charset=\"UTF-8\"")]
    [InlineData("application/cloudevents+json")]
    public async Task Content_that_is_json_is_taken_and_keeps_its_type(string contentType)
    {
        await using var edge = await EdgeUnderTest.StartAsync();
        var request = Signing.SignedV2();
        request.Content!.Headers.Remove("Content-Type");
        request.Content.Headers.TryAddWithoutValidation("Content-Type", contentType);
        await edge.AcceptedAsync(request);
        Assert.Equal(contentType, edge.Ingest.Single()["Content-Type"]);
    }

    [Fact]
    public async Task Unknown_source_is_answered_before_a_missing_signature()
    {
        await using var edge = await EdgeUnderTest.StartAsync();
        await edge.RefusedAsync(Signing.Post(Signing.V2).With("X-Collector", "nobody"), 401, "invalid_signature", "Invalid signature");
    }

    [Fact]
    public async Task Source_without_a_live_secret_is_answered_before_a_missing_signature()
    {
        await using var edge = await EdgeUnderTest.StartAsync(new() { ["Edge:Sources:0:Name"] = "default" });
        await edge.RefusedAsync(Signing.Post(Signing.V2), 500, "secret_not_configured");
        await edge.RefusedAsync(Signing.SignedV2(), 500, "secret_not_configured");
        Assert.Single(edge.Logs.Lines, static line => line.Contains("[1001]", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("X-Signature")]
    [InlineData("X-Event-Id")]
    public async Task Missing_header_is_answered_before_a_wrong_signature(string header)
    {
        await using var edge = await EdgeUnderTest.StartAsync();
        await edge.RefusedAsync(Signing.SignedV2(secret: "wrong").Without(header), 401, "missing_signature", "Missing signature or event id");
        await edge.RefusedAsync(Signing.SignedV2().Without(header).With(header, ""), 401, "missing_signature", "Missing signature or event id");
    }

    [Fact]
    public async Task Wrong_signature_never_counts_against_the_sources_rate()
    {
        await using var edge = await EdgeUnderTest.StartAsync(EdgeUnderTest.With(
            new() { ["Edge:Sources:0:RequestsPerSecond"] = "0.01", ["Edge:Sources:0:Burst"] = "1" }, "Edge:Sources:0", "default", Signing.Secret));
        for (var i = 0; i < 5; i++)
            await edge.RefusedAsync(Signing.SignedV2(secret: "wrong"), 401, "invalid_signature", "Invalid signature");
        await edge.AcceptedAsync(Signing.SignedV2());
        await edge.InvalidAsync(Signing.SignedV2(secret: "wrong"));
        using var answer = await edge.RefusedAsync(Signing.SignedV2(), 429, "rate_limited");
        Assert.InRange(answer.Headers.RetryAfter!.Delta!.Value.TotalSeconds, 1, 100);
    }

    [Fact]
    public async Task Rate_of_the_source_is_answered_before_an_event_id_that_is_none()
    {
        await using var edge = await EdgeUnderTest.StartAsync(EdgeUnderTest.With(
            new() { ["Edge:Sources:0:RequestsPerSecond"] = "0.01", ["Edge:Sources:0:Burst"] = "1" }, "Edge:Sources:0", "default", Signing.Secret));
        await edge.AcceptedAsync(Signing.SignedV2(eventId: "not-a-uuid"));
        Assert.Equal("not-a-uuid", edge.Ingest.Single()["X-Mesh-Event-Id"]);
        await edge.RefusedAsync(Signing.SignedV2(eventId: "not-a-uuid"), 429, "rate_limited");
    }

    [Fact]
    public async Task Nothing_but_post_and_nothing_but_the_doors_is_answered()
    {
        await using var edge = await EdgeUnderTest.StartAsync();
        await edge.RefusedAsync(new HttpRequestMessage(HttpMethod.Get, Signing.V2), 405, "method_not_allowed");
        await edge.RefusedAsync(Signing.SignedV2(path: "/v2/events"), 404, "not_found");
        Assert.Empty(edge.Ingest.Requests);
    }
}
