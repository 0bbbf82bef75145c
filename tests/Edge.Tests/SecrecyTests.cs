using WhatsAppMesh.Edge.Tests.Driving;

namespace WhatsAppMesh.Edge.Tests;

/// <summary>No secret, signature, key, body, id or path of a client's choice is ever logged or counted, at any level.</summary>
public sealed class SecrecyTests
{
    private const string Body = """{"type":"messages.upsert","chat_jid":"5511999990000@s.whatsapp.net","payload":{"text":"very private words"}}""";

    [Fact]
    public async Task Nothing_that_a_client_sends_is_logged_or_counted()
    {
        var settings = EdgeUnderTest.With([], "Edge:Sources:0", "default", "secret-of-collector");
        settings = EdgeUnderTest.With(settings, "Edge:Crm:0", "crm", "key-of-crm-secret");
        await using var edge = await EdgeUnderTest.StartAsync(settings);
        await edge.AcceptedAsync(Signing.SignedV2(Body, "secret-of-collector"));
        await edge.AcceptedAsync(Signing.Post("/api/leads/5511999990000/stage", Body).With("X-API-Key", "key-of-crm-secret"));
        await edge.InvalidAsync(Signing.SignedV2(Body, "guessed-secret"));
        await edge.InvalidAsync(Signing.SignedV2(Body, "secret-of-collector").With("X-Collector", "chosen-by-client"));
        await edge.InvalidKeyAsync(Signing.Post("/api/leads/5511999990000/stage", Body).With("X-API-Key", "guessed-key"));
        await edge.InvalidAsync(Signing.Post("/api/triggers/chosen-by-client/webhook", Body).With("X-Signature", "00"));
        edge.Ingest.Answer = static context =>
        {
            context.Abort();
            return Task.CompletedTask;
        };
        await edge.RefusedAsync(Signing.SignedV2(Body, "secret-of-collector"), 503, "unavailable");

        var signature = Signing.Hmac("secret-of-collector", $"{Signing.EventId}.{Body}");
        string[] hidden =
        [
            "secret-of-collector", "key-of-crm-secret", "guessed", signature, signature.ToUpperInvariant(), "very private words", "5511999990000",
            Signing.EventId, EdgeUnderTest.InternalToken, "chosen-by-client",
        ];
        var told = string.Join('\n', edge.Logs.Lines.Append(await edge.Client.GetStringAsync("/metrics")));
        Assert.All(hidden, secret => Assert.DoesNotContain(secret, told, StringComparison.Ordinal));
    }
}
