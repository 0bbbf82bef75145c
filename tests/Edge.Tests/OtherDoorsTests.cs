using System.Text.Json;
using WhatsAppMesh.Edge.Signatures;
using WhatsAppMesh.Edge.Tests.Driving;

namespace WhatsAppMesh.Edge.Tests;

/// <summary>Triggers, CRM, broker and WAHA.</summary>
public sealed class OtherDoorsTests
{
    private const string Secret = "whsec_trigger/secret";

    private const string Json = """{"event":"deal.won"}""";

    private const string Lead = "/api/leads/lead-7/stage";

    private const string Broker = "/api/integrations/whatsapp/webhook";

    private const string Waha = "/api/integrations/waha/webhook";

    [Theory]
    [InlineData("X-Webhook-Signature", "")]
    [InlineData("X-Webhook-Signature", "sha256=")]
    [InlineData("X-Signature", "")]
    [InlineData("X-Signature", "sha256=")]
    public async Task Trigger_takes_a_plain_hmac_in_either_header(string header, string prefix)
    {
        await using var edge = await EdgeUnderTest.StartAsync(Trigger("hmac"));
        await edge.AcceptedAsync(At("deal-won").With(header, prefix + Signing.Hmac(Secret, Json)));
        var arrived = edge.Ingest.Single();
        Assert.Equal("/triggers/deal-won/events", arrived.Target);
        Assert.Equal("acme", arrived["X-Mesh-Tenant"]);
        Assert.Equal("deal-won", arrived["X-Mesh-Source"]);
        Assert.Equal(Json, arrived.Text);
        await edge.InvalidAsync(At("deal-won").With(header, Signing.Hmac("other", Json)));
        await edge.RefusedAsync(At("deal-won"), 401, "missing_signature", "Missing signature");
    }

    [Fact]
    public async Task Trigger_takes_both_headers_only_when_they_say_the_same()
    {
        await using var edge = await EdgeUnderTest.StartAsync(Trigger("hmac"));
        var signature = Signing.Hmac(Secret, Json);
        await edge.AcceptedAsync(At("deal-won").With("X-Webhook-Signature", signature).With("X-Signature", signature));
        await edge.InvalidAsync(At("deal-won").With("X-Webhook-Signature", signature).With("X-Signature", "sha256=" + signature));
        await edge.InvalidAsync(At("deal-won").With("X-Webhook-Signature", Signing.Hmac("other", Json)).With("X-Signature", signature));
    }

    [Theory]
    [InlineData("/api/triggers/deal-won/webhook")]
    [InlineData(Lead)]
    public async Task Idempotency_key_goes_through_where_it_counts_and_two_of_them_are_refused(string path)
    {
        await using var edge = await EdgeUnderTest.StartAsync(EdgeUnderTest.With(Trigger("hmac"), "Edge:Crm:0", "hubspot", "key-of-crm"));
        var signature = Signing.Hmac(Secret, Json);
        await edge.AcceptedAsync(
            Signing.Post(path, Json).With("X-API-Key", "key-of-crm").With("X-Webhook-Signature", signature).With("Idempotency-Key", "key-1"));
        Assert.Equal("key-1", edge.Ingest.Single()["Idempotency-Key"]);

        // An HTTP client would join the two into one header.
        await using var raw = await RawConnection.OpenAsync(edge);
        var head = RawConnection.Head(
            "X-API-Key: key-of-crm", $"X-Webhook-Signature: {signature}", "Idempotency-Key: a", "Idempotency-Key: b", $"Content-Length: {Json.Length}");
        await raw.SendAsync(head.Replace(Signing.V2, path, StringComparison.Ordinal) + "\r\n" + Json);
        Assert.Equal(400, await raw.ReadStatusAsync());
    }

    [Fact]
    public async Task Trigger_takes_githubs_signature_and_only_with_its_prefix()
    {
        await using var edge = await EdgeUnderTest.StartAsync(Trigger("github"));
        await edge.AcceptedAsync(At("deal-won").With("X-Hub-Signature-256", "sha256=" + Signing.Hmac(Secret, Json)));
        await edge.InvalidAsync(At("deal-won").With("X-Hub-Signature-256", Signing.Hmac(Secret, Json)));
        await edge.InvalidAsync(At("deal-won").With("X-Signature", Signing.Hmac(Secret, Json)));
    }

    [Fact]
    public async Task Trigger_takes_linears_signature()
    {
        await using var edge = await EdgeUnderTest.StartAsync(Trigger("linear"));
        await edge.AcceptedAsync(At("deal-won").With("Linear-Signature", Signing.Hmac(Secret, Json)));
        await edge.InvalidAsync(At("deal-won").With("Linear-Signature", Signing.Hmac("other", Json)));
    }

    [Fact]
    public async Task Trigger_takes_stripes_signature_within_its_window()
    {
        await using var edge = await EdgeUnderTest.StartAsync(Trigger("stripe"));
        var now = edge.Clock.GetUtcNow();
        await edge.AcceptedAsync(At("deal-won").With("Stripe-Signature", Stripe(now)));
        await edge.AcceptedAsync(At("deal-won").With("Stripe-Signature", $"{Stripe(now)},v0=abc,v1={Signing.Hmac("other", Json)}"));
        await edge.AcceptedAsync(At("deal-won").With("Stripe-Signature", Stripe(now.AddSeconds(-300))));
        await edge.InvalidAsync(At("deal-won").With("Stripe-Signature", Stripe(now.AddSeconds(-301))));
        await edge.InvalidAsync(At("deal-won").With("Stripe-Signature", Stripe(now.AddSeconds(301))));
        await edge.InvalidAsync(At("deal-won").With("Stripe-Signature", $"t=1,{Stripe(now)}"));
        await edge.InvalidAsync(At("deal-won").With("Stripe-Signature", Stripe(now).Replace("v1=", "v0=", StringComparison.Ordinal)));
        await edge.InvalidAsync(At("deal-won").With("Stripe-Signature", $"v1={Signing.Hmac(Secret, Json)}"));
    }

    [Theory]
    [InlineData("unknown")]
    [InlineData("deal-won%2F..%2Fx")]
    [InlineData("DEAL-WON")]
    public async Task Unknown_trigger_is_answered_like_a_wrong_signature(string id)
    {
        await using var edge = await EdgeUnderTest.StartAsync(Trigger("hmac"));
        await edge.InvalidAsync(At(id).With("X-Signature", Signing.Hmac(Secret, Json)));
        Assert.Empty(edge.Ingest.Requests);
    }

    [Theory]
    [InlineData("hmac")]
    [InlineData("github")]
    [InlineData("stripe")]
    [InlineData("linear")]
    public async Task Answers_do_not_tell_which_triggers_there_are(string scheme)
    {
        await using var edge = await EdgeUnderTest.StartAsync(Trigger(scheme));
        foreach (var header in new[] { null, "X-Webhook-Signature", "X-Signature", "X-Hub-Signature-256", "Stripe-Signature", "Linear-Signature", "X-Other" })
        {
            using var known = await edge.Client.SendAsync(Signed("deal-won", header));
            using var unknown = await edge.Client.SendAsync(Signed("unknown", header));
            Assert.Equal(unknown.StatusCode, known.StatusCode);
            Assert.Equal(await unknown.Content.ReadAsStringAsync(), await known.Content.ReadAsStringAsync());
        }

        static HttpRequestMessage Signed(string trigger, string? header) => header is null ? At(trigger) : At(trigger).With(header, "wrong");
    }

    [Theory]
    [InlineData("X-API-Key", "")]
    [InlineData("Authorization", "Bearer ")]
    [InlineData("Authorization", "bearer ")]
    public async Task Lead_stage_takes_the_crms_key_in_two_headers(string header, string prefix)
    {
        await using var edge = await EdgeUnderTest.StartAsync(Crm());
        await edge.AcceptedAsync(Signing.Post(Lead, Json).With(header, prefix + "key-of-crm"));
        var arrived = edge.Ingest.Single();
        Assert.Equal("/leads/lead-7/events", arrived.Target);
        Assert.Equal("hubspot", arrived["X-Mesh-Source"]);
        Assert.Null(arrived[header]);
        await edge.InvalidKeyAsync(Signing.Post(Lead, Json).With(header, prefix + "key-of-crM"));
        await edge.RefusedAsync(Signing.Post(Lead, Json), 401, "missing_api_key");
        await edge.RefusedAsync(Signing.Post(Lead, Json).With("X-Authorization", "key-of-crm"), 401, "missing_api_key");
        await edge.RefusedAsync(Signing.Post(Lead, Json).With("Authorization", "Basic key-of-crm"), 401, "missing_api_key");
    }

    [Theory]
    [InlineData("a.b_c:d@e+f~g-1", "/leads/a.b_c%3Ad%40e%2Bf~g-1/events")]
    [InlineData("%6Cead", "/leads/lead/events")]
    public async Task Leads_id_is_forwarded_encoded(string id, string target)
    {
        await using var edge = await EdgeUnderTest.StartAsync(Crm());
        await edge.AcceptedAsync(Signing.Post($"/api/leads/{id}/stage", Json).With("X-API-Key", "key-of-crm"));
        Assert.Equal(target, edge.Ingest.Single().Target);
    }

    [Theory]
    [InlineData("a%2Fb")]
    [InlineData("a%20b")]
    [InlineData("a%0d%0ab")]
    [InlineData("%C3%A9")]
    [InlineData("a%3Fb")]
    [InlineData("a%25b")]
    [InlineData("long")]
    public async Task Leads_id_that_is_none_is_told_only_to_a_crm(string id)
    {
        if (id == "long")
            id = new string('x', 201);
        await using var edge = await EdgeUnderTest.StartAsync(Crm());
        await edge.InvalidKeyAsync(Signing.Post($"/api/leads/{id}/stage", Json).With("X-API-Key", "wrong"));
        await edge.RefusedAsync(Signing.Post($"/api/leads/{id}/stage", Json).With("X-API-Key", "key-of-crm"), 400, "invalid_lead_id");
        Assert.Empty(edge.Ingest.Requests);
    }

    [Theory]
    [InlineData("X-API-Key", "")]
    [InlineData("Authorization", "Bearer ")]
    [InlineData("X-Authorization", "")]
    [InlineData("X-Authorization", "Bearer ")]
    public async Task Broker_takes_its_key_in_three_headers(string header, string prefix)
    {
        await using var edge = await EdgeUnderTest.StartAsync(EdgeUnderTest.With([], "Edge:Broker:0", "broker-a", "key-of-broker"));
        await edge.AcceptedAsync(Signing.Post(Broker, Json).With(header, prefix + "key-of-broker"));
        Assert.Equal("/broker/events", edge.Ingest.Single().Target);
        await edge.InvalidKeyAsync(Signing.Post(Broker, Json).With(header, prefix + "wrong"));
    }

    [Fact]
    public async Task Two_different_keys_at_once_are_refused_and_the_same_one_twice_is_not()
    {
        await using var edge = await EdgeUnderTest.StartAsync(new() { ["WHATSAPP_BROKER_API_KEY"] = "key-of-broker" });
        await edge.AcceptedAsync(Signing.Post(Broker, Json).With("X-API-Key", "key-of-broker").With("X-Authorization", "key-of-broker"));
        Assert.Equal("default", edge.Ingest.Single()["X-Mesh-Source"]);
        await edge.InvalidKeyAsync(Signing.Post(Broker, Json).With("X-API-Key", "key-of-broker").With("X-Authorization", "other"));
        await edge.InvalidKeyAsync(Signing.Post(Broker, Json).With("X-API-Key", "other").With("Authorization", "Bearer key-of-broker"));
    }

    [Fact]
    public async Task Key_may_be_configured_as_its_hash_and_finds_its_owner()
    {
        var hash = Convert.ToHexString(ApiKeyCheck.Hash("key-of-b"));
        var settings = EdgeUnderTest.With([], "Edge:Crm:0", "crm-a", "key-of-a");
        settings = EdgeUnderTest.With(settings, "Edge:Crm:1", "crm-b", "sha256:" + hash, "KeyHash");
        await using var edge = await EdgeUnderTest.StartAsync(settings);
        await edge.AcceptedAsync(Signing.Post(Lead, Json).With("X-API-Key", "key-of-b"));
        Assert.Equal("crm-b", edge.Ingest.Single()["X-Mesh-Source"]);
        await edge.InvalidKeyAsync(Signing.Post(Lead, Json).With("X-API-Key", hash));
    }

    [Fact]
    public async Task Crm_whose_keys_have_all_expired_is_told_so_and_a_door_nobody_uses_is_closed()
    {
        var settings = EdgeUnderTest.With(new() { ["Edge:Crm:0:Secrets:0:Expires"] = "2001-01-01T00:00:00Z" }, "Edge:Crm:0", "crm", "key-of-crm");
        await using var edge = await EdgeUnderTest.StartAsync(settings);
        await edge.RefusedAsync(Signing.Post(Lead, Json).With("X-API-Key", "key-of-crm"), 500, "secret_not_configured");
        await edge.RefusedAsync(Signing.Post(Lead, Json), 500, "secret_not_configured");
        Assert.Single(edge.Logs.Lines, static line => line.Contains("[1001]", StringComparison.Ordinal));
        await edge.InvalidKeyAsync(Signing.Post(Broker, Json).With("X-API-Key", "key-of-crm"));
    }

    [Fact]
    public async Task Waha_documentations_own_example_is_accepted()
    {
        var vector = Samples.Vectors.GetProperty("waha_hmac");
        var body = vector.GetProperty("body").GetString()!;
        var signature = vector.GetProperty("sha512").GetString()!;
        var key = vector.GetProperty("key").GetString()!;
        await using var edge = await EdgeUnderTest.StartAsync(EdgeUnderTest.With([], "Edge:Waha:0", "default", key));
        await edge.AcceptedAsync(Signing.Post(Waha, body).With("X-Webhook-Hmac", signature).With("X-Webhook-Hmac-Algorithm", "sha512"));
        Assert.Equal("/waha/events", edge.Ingest.Single().Target);
        Assert.Equal(body, edge.Ingest.Single().Text);
        await edge.AcceptedAsync(Signing.Post(Waha, body).With("X-Webhook-Hmac", signature.ToUpperInvariant()));
        await edge.InvalidAsync(Signing.Post(Waha, body + " ").With("X-Webhook-Hmac", signature));
        await edge.InvalidAsync(Signing.Post(Waha, body).With("X-Webhook-Hmac", signature[..64]));
        await edge.InvalidAsync(Signing.Post(Waha, body).With("X-Webhook-Hmac", signature).With("X-Webhook-Hmac-Algorithm", "sha1"));
        await edge.InvalidAsync(Signing.Post(Waha, body).With("X-Webhook-Hmac", signature).With("X-Collector", "other"));
        await edge.RefusedAsync(Signing.Post(Waha, body), 401, "missing_signature");
    }

    private static Dictionary<string, string?> Trigger(string scheme) => EdgeUnderTest.With(
        new() { ["Edge:Triggers:0:Tenant"] = "acme", ["Edge:Triggers:0:Scheme"] = scheme }, "Edge:Triggers:0", "deal-won", Secret);

    private static Dictionary<string, string?> Crm() => EdgeUnderTest.With([], "Edge:Crm:0", "hubspot", "key-of-crm");

    private static HttpRequestMessage At(string trigger) => Signing.Post($"/api/triggers/{trigger}/webhook", Json);

    private static string Stripe(DateTimeOffset time) => $"t={Signing.Seconds(time)},v1={Signing.Hmac(Secret, $"{Signing.Seconds(time)}.{Json}")}";
}
