using System.Diagnostics;
using System.Text;
using WhatsAppMesh.Edge.Tests.Driving;

namespace WhatsAppMesh.Edge.Tests;

/// <summary>What reaches ingest is what edge says, never what a client says about itself.</summary>
public sealed class HeaderHygieneTests
{
    private static readonly string[] Allowed =
        ["Host", "Content-Type", "Content-Length", "X-Mesh-Token", "X-Mesh-Tenant", "X-Mesh-Source", "X-Mesh-Event-Id", "traceparent", "tracestate", "Idempotency-Key"];

    [Fact]
    public async Task Client_can_forge_no_internal_header()
    {
        await using var edge = await EdgeUnderTest.StartAsync();
        var request = Signing.SignedV2()
            .With("X-Mesh-Token", "forged").With("X-Mesh-Tenant", "forged").With("X-Mesh-Source", "forged").With("X-Mesh-Event-Id", "forged").With("X-Mesh-Anything", "forged")
            .With("dapr-app-id", "forged").With("dapr-api-token", "forged").With("dapr-caller-app-id", "forged")
            .With("X-Forwarded-For", "10.9.9.9").With("X-Forwarded-Host", "forged").With("X-Forwarded-Proto", "https").With("Forwarded", "for=10.9.9.9").With("X-Real-IP", "10.9.9.9")
            .With("X-Original-URL", "/v1/events").With("X-HTTP-Method-Override", "DELETE").With("Authorization", "Bearer forged").With("Cookie", "a=b")
            .With("baggage", "a=b").With("Upgrade", "websocket").With("Connection", "Upgrade, X-Mesh-Token").With("TE", "trailers").With("X-Collector", "default");
        await edge.AcceptedAsync(request);
        var arrived = edge.Ingest.Single();
        Assert.Equal("POST", arrived.Method);
        Assert.Equal(EdgeUnderTest.InternalToken, arrived["X-Mesh-Token"]);
        Assert.Equal("default", arrived["X-Mesh-Tenant"]);
        Assert.Equal("default", arrived["X-Mesh-Source"]);
        Assert.Equal(Signing.EventId, arrived["X-Mesh-Event-Id"]);
        Assert.Empty(arrived.Headers.Keys.Except(Allowed, StringComparer.OrdinalIgnoreCase));
    }

    [Fact]
    public async Task Query_string_stays_outside()
    {
        await using var edge = await EdgeUnderTest.StartAsync();
        await edge.AcceptedAsync(Signing.SignedV2(path: Signing.V2 + "?tenant=forged&x=%2e%2e"));
        Assert.Equal("/v2/events", edge.Ingest.Single().Target);
    }

    [Fact]
    public async Task Upgrade_request_without_a_body_stays_a_post()
    {
        await using var edge = await EdgeUnderTest.StartAsync();
        await using var raw = await RawConnection.OpenAsync(edge);
        await raw.SendAsync(
            $"POST {Signing.V2} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
            + $"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nX-Event-Id: {Signing.EventId}\r\nX-Signature: {Signing.Hmac(Signing.Secret, Signing.EventId + ".")}\r\n\r\n");
        Assert.Equal(202, await raw.ReadStatusAsync());
        var arrived = edge.Ingest.Single();
        Assert.Equal("POST", arrived.Method);
        Assert.Null(arrived["Upgrade"]);
    }

    [Fact]
    public async Task Trace_of_the_client_goes_on_at_ingest()
    {
        await using var edge = await EdgeUnderTest.StartAsync();
        var trace = ActivityTraceId.CreateRandom().ToHexString();
        await edge.AcceptedAsync(Signing.SignedV2().With("traceparent", $"00-{trace}-00f067aa0ba902b7-01").With("tracestate", "vendor=1"));
        var arrived = edge.Ingest.Single();
        Assert.StartsWith($"00-{trace}-", arrived["traceparent"]);
        Assert.Equal("vendor=1", arrived["tracestate"]);
    }

    [Fact]
    public async Task Event_id_of_any_characters_arrives_as_it_was_signed()
    {
        await using var edge = await EdgeUnderTest.StartAsync();
        var id = "идент 🎈 " + new string('x', 700);
        await using var raw = await RawConnection.OpenAsync(edge);
        await raw.SendAsync(
            $"POST {Signing.V2} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nX-Event-Id: {id}\r\n"
            + $"X-Signature: {Signing.Hmac(Signing.Secret, $"{id}.{{}}")}\r\nContent-Length: 2\r\n\r\n{{}}");
        Assert.Equal(202, await raw.ReadStatusAsync());
        Assert.Equal(id, edge.Ingest.Single()["X-Mesh-Event-Id"]);
    }

    [Fact]
    public async Task Idempotency_key_goes_through_and_two_of_them_are_refused()
    {
        await using var edge = await EdgeUnderTest.StartAsync();
        await edge.AcceptedAsync(Signing.SignedV2().With("Idempotency-Key", "key-1"));
        Assert.Equal("key-1", edge.Ingest.Single()["Idempotency-Key"]);
        await using var raw = await RawConnection.OpenAsync(edge);
        await raw.SendAsync(
            $"POST {Signing.V2} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nIdempotency-Key: a\r\nIdempotency-Key: b\r\nX-Event-Id: {Signing.EventId}\r\n"
            + $"X-Signature: {Signing.Hmac(Signing.Secret, $"{Signing.EventId}.{Signing.Body}")}\r\nContent-Length: {Encoding.UTF8.GetByteCount(Signing.Body)}\r\n\r\n{Signing.Body}");
        Assert.Equal(400, await raw.ReadStatusAsync());
    }

    [Fact]
    public async Task Address_in_a_forwarded_header_counts_only_from_a_configured_proxy()
    {
        Dictionary<string, string?> settings = new() { ["Edge:Limits:AddressRequestsPerSecond"] = "0.01", ["Edge:Limits:AddressBurst"] = "1" };
        await using var direct = await EdgeUnderTest.StartAsync(settings);
        await direct.AcceptedAsync(Signing.SignedV2().With("X-Forwarded-For", "10.0.0.1"));
        await direct.RefusedAsync(Signing.SignedV2().With("X-Forwarded-For", "10.0.0.2"), 429, "rate_limited");

        await using var behindProxy = await EdgeUnderTest.StartAsync(new(settings) { ["Edge:Proxies:0"] = "127.0.0.0/8", ["Edge:Proxies:1"] = "10.7.0.0/16" });
        await behindProxy.AcceptedAsync(Signing.SignedV2().With("X-Forwarded-For", "10.0.0.1"));
        await behindProxy.AcceptedAsync(Signing.SignedV2().With("X-Forwarded-For", "10.0.0.2"));
        await behindProxy.RefusedAsync(Signing.SignedV2().With("X-Forwarded-For", "10.99.0.1, 10.0.0.2, 10.7.0.1"), 429, "rate_limited");
    }
}
