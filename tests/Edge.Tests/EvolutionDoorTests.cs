using WhatsAppMesh.Edge.Signatures;
using WhatsAppMesh.Edge.Tests.Driving;

namespace WhatsAppMesh.Edge.Tests;

/// <summary>The door of Evolution API and Evolution Go: a key in a header or in a body that nobody has vouched for yet.</summary>
public sealed class EvolutionDoorTests
{
    private const string Door = "/api/integrations/evolution/webhook";

    private const string Key = "key-of-evolution";

    private const string Json = """{"event":"messages.upsert","instance":"loja-1","data":{},"apikey":null}""";

    [Theory]
    [InlineData("apikey", "")]
    [InlineData("X-API-Key", "")]
    [InlineData("Authorization", "Bearer ")]
    public async Task Key_is_taken_in_three_headers(string header, string prefix)
    {
        await using var edge = await StartAsync();
        await edge.AcceptedAsync(Signing.Post(Door, Json).With(header, prefix + Key));
        var arrived = edge.Ingest.Single();
        Assert.Equal("/evolution/events", arrived.Target);
        Assert.Equal("acme", arrived["X-Mesh-Tenant"]);
        Assert.Equal("loja", arrived["X-Mesh-Source"]);
        Assert.Equal(Json, arrived.Text);
        Assert.Null(arrived[header]);
        await edge.InvalidKeyAsync(Signing.Post(Door, Json).With(header, prefix + Key + "x"));
        await edge.RefusedAsync(Signing.Post(Door, Json), 401, "missing_api_key");
    }

    [Theory]
    [InlineData("""{"event":"messages.upsert","data":{},"apikey":"key-of-evolution"}""")]
    [InlineData("""{"instanceToken":"key-of-evolution","event":"Message","data":{"a":[{"apikey":"other"}]}}""")]
    [InlineData("""{"event":"error","api_key":"key-of-evolution","data":{}}""")]
    [InlineData("""{"api\u006bey":"key\u002dof-evolution"}""")]
    [InlineData("""{"apikey":null,"instanceToken":"key-of-evolution"}""")]
    [InlineData("""{"apikey":"key-of-evolution","instanceToken":"key-of-evolution"}""")]
    [InlineData("\uFEFF{\"apikey\":\"key-of-evolution\"}")]
    public async Task Key_is_found_in_the_body(string body)
    {
        await using var edge = await StartAsync();
        await edge.AcceptedAsync(Signing.Post(Door, body));
        Assert.Equal(body, edge.Ingest.Single().Text.Length < body.Length ? "\uFEFF" + edge.Ingest.Single().Text : edge.Ingest.Single().Text);
    }

    [Theory]
    [InlineData("""{"apikey":"wrong"}""", "invalid_api_key")]
    [InlineData("""{"apikey":"key-of-evolution","apikey":"key-of-evolution"}""", "invalid_api_key")]
    [InlineData("""{"apikey":null,"apikey":"key-of-evolution"}""", "invalid_api_key")]
    [InlineData("""{"apikey":"key-of-evolution","ap\u0069key":"x"}""", "invalid_api_key")]
    [InlineData("""{"apikey":"key-of-evolution","instanceToken":"other"}""", "invalid_api_key")]
    [InlineData("""{"instanceToken":"other","apikey":"key-of-evolution"}""", "invalid_api_key")]
    [InlineData("""{"apikey":"\ud800"}""", "invalid_api_key")]
    [InlineData("""{"apikey":["key-of-evolution"]}""", "missing_api_key")]
    [InlineData("""{"apikey":{"apikey":"key-of-evolution"}}""", "missing_api_key")]
    [InlineData("""{"apikey":""}""", "missing_api_key")]
    [InlineData("""{"data":{"apikey":"key-of-evolution","instanceToken":"key-of-evolution"}}""", "missing_api_key")]
    [InlineData("""[{"apikey":"key-of-evolution"}]""", "missing_api_key")]
    [InlineData("""{"APIKEY":"key-of-evolution"}""", "missing_api_key")]
    [InlineData("""{"apikey":"key-of-evolution"}x""", "missing_api_key")]
    [InlineData("""{"apikey":"key-of-evolution","data":""", "missing_api_key")]
    [InlineData("""{"apikey":"key-of-evolution",}""", "missing_api_key")]
    [InlineData("\"key-of-evolution\"", "missing_api_key")]
    [InlineData("", "missing_api_key")]
    [InlineData("deep", "missing_api_key")]
    [InlineData("long", "invalid_api_key")]
    public async Task Body_that_holds_no_one_live_key_lets_nobody_in(string body, string code)
    {
        body = body switch
        {
            "deep" => $$"""{"data":{{new string('[', 100_000)}}{{new string(']', 100_000)}},"apikey":"key-of-evolution"}""",
            "long" => $$"""{"apikey":"{{new string('k', EvolutionKeyCheck.MaxKeyBytes + 1)}}"}""",
            _ => body,
        };
        await using var edge = await StartAsync();
        await edge.RefusedAsync(Signing.Post(Door, body), 401, code);
        Assert.Empty(edge.Ingest.Requests);
    }

    [Fact]
    public async Task Key_in_a_header_decides_alone()
    {
        await using var edge = await StartAsync();
        // Evolution API writes the instance's own token, or "Apikey not found", whatever headers are set.
        await edge.AcceptedAsync(Signing.Post(Door, """{"apikey":"Apikey not found"}""").With("apikey", Key));
        await edge.AcceptedAsync(Signing.Post(Door, "no JSON at all").With("apikey", Key));
        await edge.InvalidKeyAsync(Signing.Post(Door, """{"apikey":"key-of-evolution"}""").With("apikey", "other"));
        await edge.InvalidKeyAsync(Signing.Post(Door, Json).With("apikey", Key).With("X-API-Key", "other"));
        await edge.AcceptedAsync(Signing.Post(Door, Json).With("apikey", Key).With("Authorization", "Bearer " + Key));
        await edge.AcceptedAsync(Signing.Post(Door, """{"apikey":"key-of-evolution"}""").With("Authorization", "Basic a2V5OmtleQ=="));
    }

    [Theory]
    [InlineData("", "")]
    [InlineData("/", "")]
    [InlineData("/messages-upsert", "/messages-upsert")]
    [InlineData("//messages-upsert", "/messages-upsert")]
    [InlineData("/group-participants-update/", "/group-participants-update")]
    [InlineData("/a/b", "")]
    [InlineData("/%2e%2e%2f%2e%2e%2fv2%2fevents", "")]
    [InlineData("/a%20b", "")]
    [InlineData("/a%3Fb", "")]
    public async Task Event_behind_the_path_is_passed_on_when_it_can_be_one(string tail, string target)
    {
        await using var edge = await StartAsync();
        await edge.AcceptedAsync(Signing.Post(Door + tail, Json).With("apikey", Key));
        Assert.Equal("/evolution/events" + target, edge.Ingest.Single().Target);
    }

    [Fact]
    public async Task Each_server_is_known_by_its_own_keys_and_a_key_opens_no_other_door()
    {
        var hash = "sha256:" + Convert.ToHexString(ApiKeyCheck.Hash("second-key"));
        var settings = EdgeUnderTest.With(Settings(), "Edge:Evolution:1", "filial", hash, "KeyHash");
        settings = EdgeUnderTest.With(settings, "Edge:Broker:0", "broker", "key-of-broker");
        settings["Edge:Evolution:0:Secrets:1:Id"] = "old";
        settings["Edge:Evolution:0:Secrets:1:Value"] = "old-key";
        settings["Edge:Evolution:0:Secrets:1:Expires"] = "2001-01-01T00:00:00Z";
        await using var edge = await EdgeUnderTest.StartAsync(settings);

        await edge.AcceptedAsync(Signing.Post(Door, """{"instanceToken":"second-key"}"""));
        Assert.Equal("filial", edge.Ingest.Single()["X-Mesh-Source"]);
        await edge.InvalidKeyAsync(Signing.Post(Door, """{"instanceToken":"old-key"}"""));
        await edge.InvalidKeyAsync(Signing.Post(Door, Json).With("apikey", "key-of-broker"));
        await edge.InvalidKeyAsync(Signing.Post("/api/integrations/whatsapp/webhook", Json).With("X-API-Key", Key));
    }

    [Fact]
    public async Task Servers_without_a_live_key_are_told_to_come_again_and_a_door_nobody_uses_is_closed()
    {
        var settings = Settings();
        settings["Edge:Evolution:0:Secrets:0:Expires"] = "2001-01-01T00:00:00Z";
        await using var edge = await EdgeUnderTest.StartAsync(settings);
        await edge.RefusedAsync(Signing.Post(Door, Json).With("apikey", Key), 500, "secret_not_configured");

        await using var nobody = await EdgeUnderTest.StartAsync();
        await nobody.InvalidKeyAsync(Signing.Post(Door, Json).With("apikey", Key));
        await nobody.InvalidKeyAsync(Signing.Post(Door, """{"apikey":"key-of-evolution"}"""));
    }

    [Fact]
    public async Task Limits_and_content_types_are_those_of_every_door()
    {
        var settings = Settings();
        settings["Edge:Evolution:0:RequestsPerSecond"] = "0.001";
        settings["Edge:Evolution:0:Burst"] = "1";
        settings["Edge:Limits:BodyBytes"] = "2048";
        await using var edge = await EdgeUnderTest.StartAsync(settings);
        await edge.RefusedAsync(Signing.Post(Door, Json, "text/plain").With("apikey", Key), 415, "unsupported_media_type");
        await edge.RefusedAsync(Signing.Post(Door, $$"""{"x":"{{new string('x', 2048)}}"}""").With("apikey", Key), 413, "body_too_large");
        await edge.AcceptedAsync(Signing.Post(Door, Json).With("apikey", Key));
        await edge.RefusedAsync(Signing.Post(Door, Json).With("apikey", Key), 429, "rate_limited");
    }

    [Fact]
    public async Task Neither_key_nor_body_nor_path_is_logged_or_counted()
    {
        await using var edge = await StartAsync();
        await edge.AcceptedAsync(Signing.Post(Door + "/chosen-by-client", """{"apikey":"key-of-evolution","data":{"t":"very private words"}}"""));
        await edge.InvalidKeyAsync(Signing.Post(Door, """{"apikey":"guessed-key","instance":"private-instance"}"""));
        edge.Ingest.Answer = static context =>
        {
            context.Abort();
            return Task.CompletedTask;
        };
        await edge.RefusedAsync(Signing.Post(Door, """{"apikey":"key-of-evolution","data":{"t":"very private words"}}"""), 503, "unavailable");

        var told = string.Join('\n', edge.Logs.Lines.Append(await edge.Client.GetStringAsync("/metrics")));
        string[] hidden = [Key, "guessed-key", "very private words", "private-instance", "chosen-by-client"];
        Assert.All(hidden, text => Assert.DoesNotContain(text, told, StringComparison.Ordinal));
    }

    private static Task<EdgeUnderTest> StartAsync() => EdgeUnderTest.StartAsync(Settings());

    private static Dictionary<string, string?> Settings() =>
        EdgeUnderTest.With(new() { ["Edge:Evolution:0:Tenant"] = "acme" }, "Edge:Evolution:0", "loja", Key);
}
