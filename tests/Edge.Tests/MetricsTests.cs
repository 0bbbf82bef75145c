using WhatsAppMesh.Edge.Tests.Driving;

namespace WhatsAppMesh.Edge.Tests;

/// <summary>The public metrics.</summary>
public sealed class MetricsTests
{
    [Fact]
    public async Task Requests_are_counted_by_source_outcome_and_reason()
    {
        await using var edge = await EdgeUnderTest.StartAsync();
        await edge.AcceptedAsync(Signing.SignedV2());
        await edge.AcceptedAsync(Signing.SignedV2());
        await edge.InvalidAsync(Signing.SignedV2(secret: "wrong"));
        await edge.InvalidAsync(Signing.SignedV2().With("X-Collector", "nobody"));
        await edge.RefusedAsync(Signing.Post(Signing.V2, contentType: "text/plain"), 415, "unsupported_media_type");
        edge.Ingest.Answer = static context => FakeIngest.AnswerAsync(context, 422, "{}");
        using (await edge.Client.SendAsync(Signing.SignedV2()))
        {
        }

        await Answers.EventuallyAsync(() => Task.FromResult(edge.Metrics.Timed == 6), "all six are timed");
        Assert.Equal(2, edge.Metrics.Requests("default", "accepted", "ok"));
        Assert.Equal(1, edge.Metrics.Requests("default", "refused", "wrong_signature"));
        Assert.Equal(1, edge.Metrics.Requests("unknown", "refused", "unknown_source"));
        Assert.Equal(1, edge.Metrics.Requests("unknown", "refused", "unsupported_media_type"));
        Assert.Equal(1, edge.Metrics.Requests("default", "refused", "ingest_422"));
    }

    [Fact]
    public async Task Metrics_have_their_public_names_and_labels()
    {
        await using var edge = await EdgeUnderTest.StartAsync();
        await edge.AcceptedAsync(Signing.SignedV2());
        await Answers.EventuallyAsync(() => Task.FromResult(edge.Metrics.Timed == 1), "the request is timed");
        var metrics = await edge.Client.GetStringAsync("/metrics");
        var request = metrics.Split('\n').First(static line => line.StartsWith("mesh_edge_requests_total{", StringComparison.Ordinal));
        Assert.All(["source=\"", "outcome=\"", "reason=\""], label => Assert.Contains(label, request, StringComparison.Ordinal));
        Assert.Contains("\nmesh_edge_request_seconds_bucket{le=\"", metrics, StringComparison.Ordinal);
        Assert.All(
            ["mesh_edge_catalog_problems", "mesh_edge_catalog_loads_total", "mesh_edge_bodies", "mesh_edge_body_bytes"],
            name => Assert.Contains($"\n{name}{{}} ", metrics, StringComparison.Ordinal));
    }
}
