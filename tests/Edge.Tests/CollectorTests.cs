using System.Net;
using WhatsAppMesh.Edge.Tests.Driving;

namespace WhatsAppMesh.Edge.Tests;

/// <summary>What collectors of both generations send.</summary>
public sealed class CollectorTests
{
    [Fact]
    public async Task Every_recorded_sample_is_accepted_and_arrives_byte_for_byte()
    {
        await using var edge = await EdgeUnderTest.StartAsync();
        Assert.True(Samples.Signed.Count >= 30);
        foreach (var sample in Samples.Signed)
        {
            var isV1 = sample.Contract == "ingest v1";
            var request = Signing.Post(isV1 ? Signing.V1 : Signing.V2, sample.Body);
            await edge.AcceptedAsync(request.With("X-Event-Id", sample.EventId).With("X-Signature", sample.Signature));
            Assert.True(edge.Ingest.Requests.TryDequeue(out var arrived), sample.File);
            Assert.Equal(sample.Body, arrived.Text);
            Assert.Equal(isV1 ? "/v1/events" : "/v2/events", arrived.Target);
            Assert.Equal(sample.EventId, arrived["X-Mesh-Event-Id"]);
        }
    }

    [Theory]
    [InlineData("")]
    [InlineData("sha256=")]
    [InlineData("SHA256=")]
    public async Task Signature_may_have_a_prefix_and_any_case(string prefix)
    {
        await using var edge = await EdgeUnderTest.StartAsync();
        var signature = Signing.Hmac(Signing.Secret, $"{Signing.EventId}.{Signing.Body}");
        foreach (var text in new[] { signature, signature.ToUpperInvariant() })
            await edge.AcceptedAsync(Signing.Post(Signing.V2).With("X-Event-Id", Signing.EventId).With("X-Signature", prefix + text));
    }

    [Fact]
    public async Task First_generations_path_takes_both_materials_and_the_second_refuses_the_body_alone()
    {
        await using var edge = await EdgeUnderTest.StartAsync();
        await edge.AcceptedAsync(Signing.SignedV1());
        await edge.AcceptedAsync(Signing.SignedV2(path: Signing.V1));
        await edge.RefusedAsync(Signing.SignedV1(path: Signing.V2), 401, "invalid_signature", "Invalid signature");
    }

    [Fact]
    public async Task Source_that_allows_only_the_safer_material_refuses_the_body_alone_on_every_path()
    {
        await using var edge = await EdgeUnderTest.StartAsync(
            EdgeUnderTest.With(new() { ["Edge:Sources:0:Schemes:0"] = "id-and-body" }, "Edge:Sources:0", "default", Signing.Secret));
        await edge.InvalidAsync(Signing.SignedV1());
        await edge.AcceptedAsync(Signing.SignedV2(path: Signing.V1));
    }

    [Fact]
    public async Task Signature_is_bound_to_event_id_body_and_secret()
    {
        await using var edge = await EdgeUnderTest.StartAsync();
        await edge.InvalidAsync(Signing.SignedV2().Without("X-Event-Id").With("X-Event-Id", "377a14be-f301-532d-8efb-adfe5b0fcfd6"));
        await edge.InvalidAsync(Signing.SignedV2(secret: "test-secreT"));
        var otherBody = Signing.Post(Signing.V2, Signing.Body.Replace("Olá", "Ola", StringComparison.Ordinal)).With("X-Event-Id", Signing.EventId)
            .With("X-Signature", Signing.Hmac(Signing.Secret, $"{Signing.EventId}.{Signing.Body}"));
        await edge.InvalidAsync(otherBody);
        Assert.Empty(edge.Ingest.Requests);
    }

    [Fact]
    public async Task Sources_have_their_own_tenants_and_secrets()
    {
        var settings = EdgeUnderTest.With(new() { ["Edge:Sources:0:Tenant"] = "acme" }, "Edge:Sources:0", "north", "secret-of-north");
        settings = EdgeUnderTest.With(settings, "Edge:Sources:1", "south", "secret-of-south");
        await using var edge = await EdgeUnderTest.StartAsync(settings);
        await edge.AcceptedAsync(Signing.SignedV2(secret: "secret-of-north").With("X-Collector", "north"));
        await edge.AcceptedAsync(Signing.SignedV2(secret: "secret-of-south").With("X-Collector", "south"));
        await edge.InvalidAsync(Signing.SignedV2(secret: "secret-of-south").With("X-Collector", "north"));
        var arrived = edge.Ingest.Requests.ToArray();
        Assert.Equal(["acme", "default"], arrived.Select(static request => request["X-Mesh-Tenant"]));
        Assert.Equal(["north", "south"], arrived.Select(static request => request["X-Mesh-Source"]));
    }

    [Fact]
    public async Task Answer_of_ingest_goes_through_with_status_body_and_retry_time()
    {
        await using var edge = await EdgeUnderTest.StartAsync();
        edge.Ingest.Answer = static context =>
        {
            context.Response.Headers.RetryAfter = "7";
            context.Response.Headers["X-Internal"] = "not for clients";
            return FakeIngest.AnswerAsync(context, 503, """{"code":"unavailable"}""");
        };
        using var answer = await edge.Client.SendAsync(Signing.SignedV2());
        Assert.Equal(HttpStatusCode.ServiceUnavailable, answer.StatusCode);
        Assert.Equal("""{"code":"unavailable"}""", await answer.Content.ReadAsStringAsync());
        Assert.Equal("application/json", answer.Content.Headers.ContentType?.MediaType);
        Assert.Equal(TimeSpan.FromSeconds(7), answer.Headers.RetryAfter?.Delta);
        Assert.False(answer.Headers.Contains("X-Internal"));
    }

    [Fact]
    public async Task Empty_body_and_chunked_body_arrive_as_they_are()
    {
        await using var edge = await EdgeUnderTest.StartAsync();
        await edge.AcceptedAsync(Signing.SignedV2(body: ""));
        var chunked = Signing.SignedV2();
        chunked.Headers.TransferEncodingChunked = true;
        await edge.AcceptedAsync(chunked);
        var arrived = edge.Ingest.Requests.ToArray();
        Assert.Equal("", arrived[0].Text);
        Assert.Equal(Signing.Body, arrived[1].Text);
        Assert.Equal(arrived[1].Body.Length.ToString(), arrived[1]["Content-Length"]);
    }
}
