using System.Diagnostics;
using WhatsAppMesh.Edge.Tests.Driving;

namespace WhatsAppMesh.Edge.Tests;

/// <summary>What reaches ingest is what edge says, never what a client says about itself.</summary>
public sealed class HeaderHygieneTests
{
    private static readonly string[] Allowed =
    [
        "Host", "Content-Type", "Content-Length", "X-Mesh-Token", "X-Mesh-Tenant", "X-Mesh-Source", "X-Mesh-Event-Id",
        "traceparent", "tracestate",
    ];

    private static readonly string[] Forged =
    [
        "X-Mesh-Token", "X-Mesh-Tenant", "X-Mesh-Source", "X-Mesh-Event-Id", "X-Mesh-Anything", "dapr-app-id", "dapr-api-token", "dapr-caller-app-id",
        "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "Forwarded", "X-Real-IP", "X-Original-URL", "X-HTTP-Method-Override",
        "Authorization", "Cookie", "baggage", "Upgrade", "TE",
    ];

    [Fact]
    public async Task Client_can_forge_no_internal_header()
    {
        await using var edge = await EdgeUnderTest.StartAsync();
        var request = Signing.SignedV2().With("Connection", "Upgrade, X-Mesh-Token").With("X-Collector", "default");
        foreach (var header in Forged)
            request.With(header, "forged=1");
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
        var head = RawConnection.Head(
            "Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
            $"X-Event-Id: {Signing.EventId}", $"X-Signature: {Signing.Hmac(Signing.Secret, Signing.EventId + ".")}");
        await raw.SendAsync(head + "\r\n");
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
        await raw.PostAsync("{}", $"X-Event-Id: {id}", $"X-Signature: {Signing.Hmac(Signing.Secret, id + ".{}")}");
        Assert.Equal(202, await raw.ReadStatusAsync());
        Assert.Equal(id, edge.Ingest.Single()["X-Mesh-Event-Id"]);
    }

    [Fact]
    public async Task Idempotency_key_means_nothing_at_a_collectors_door_however_often_it_is_sent()
    {
        await using var edge = await EdgeUnderTest.StartAsync();
        await using var raw = await RawConnection.OpenAsync(edge);
        var signature = Signing.Hmac(Signing.Secret, $"{Signing.EventId}.{Signing.Body}");
        await raw.PostAsync(
            Signing.Body, "Idempotency-Key: a", "Idempotency-Key: b", $"X-Event-Id: {Signing.EventId}", $"X-Signature: {signature}");
        Assert.Equal(202, await raw.ReadStatusAsync());
        Assert.Null(edge.Ingest.Single()["Idempotency-Key"]);
    }

    [Fact]
    public async Task Address_in_a_forwarded_header_counts_only_from_a_configured_proxy()
    {
        Dictionary<string, string?> settings = new() { ["Edge:Limits:AddressRequestsPerSecond"] = "0.01", ["Edge:Limits:AddressBurst"] = "1" };
        await using var direct = await EdgeUnderTest.StartAsync(settings);
        await direct.AcceptedAsync(Signing.SignedV2().With("X-Forwarded-For", "10.0.0.1"));
        await direct.RefusedAsync(Signing.SignedV2().With("X-Forwarded-For", "10.0.0.2"), 429, "rate_limited");

        await using var behindProxy = await EdgeUnderTest.StartAsync(
            new(settings) { ["Edge:Proxies:0"] = "127.0.0.0/8", ["Edge:Proxies:1"] = "10.7.0.0/16" });
        await behindProxy.AcceptedAsync(Signing.SignedV2().With("X-Forwarded-For", "10.0.0.1"));
        await behindProxy.AcceptedAsync(Signing.SignedV2().With("X-Forwarded-For", "10.0.0.2"));
        await behindProxy.RefusedAsync(Signing.SignedV2().With("X-Forwarded-For", "10.99.0.1, 10.0.0.2, 10.7.0.1"), 429, "rate_limited");
    }
}
