using WhatsAppMesh.Charts.Tests.Rendering;

namespace WhatsAppMesh.Charts.Tests;

public sealed class ValuesTests
{
    [Theory]
    [InlineData("services.edge.replica=2", "services.edge")]
    [InlineData("services.edge.replicas=0", "services.edge.replicas")]
    [InlineData("services.edge.replicas=two", "services.edge.replicas")]
    [InlineData("services.edge.image.digest=sha256:123", "services.edge.image.digest")]
    [InlineData("services.billing.replicas=1", "services")]
    [InlineData("services.edge.resources.limits.cpu=1", "services.edge.resources.limits")]
    [InlineData("image.tag=latest", "image.tag")]
    [InlineData("pubsub.type=pulsar", "pubsub.type")]
    [InlineData("dapr.maxBodySize=4Mi", "dapr.maxBodySize")]
    [InlineData("ingress.enabled=true", "ingress.host")]
    [InlineData("broker.mode=http", "broker.url")]
    [InlineData("broker.url=broker.example.org", "broker.url")]
    [InlineData("existingSecret=", "existingSecret")]
    [InlineData("telemetry.otlpEndpoint=collector:4317", "telemetry.otlpEndpoint")]
    [InlineData("replicas=2", "(root)")]
    public async Task A_wrong_value_is_refused_by_name(string set, string where)
    {
        var (documents, errors) = await Renderer.TryRenderAsync("--set", set);

        Assert.Null(documents);
        Assert.Contains("values don't meet the specifications of the schema", errors, StringComparison.Ordinal);
        Assert.Contains(where, errors, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("pubsub: { connection: [{ name: saslPassword, value: hunter2 }] }")]
    [InlineData("pubsub: { connection: [{ name: brokers, value: a, secretKeyRef: { key: b } }] }")]
    [InlineData("claims: { connection: [{ name: connectionString, value: host=db }] }")]
    [InlineData("senders: { sources: [{ name: default, secrets: [{ id: a, value: hunter2 }] }] }")]
    public async Task A_secret_that_is_written_out_is_refused(string values)
    {
        var (documents, errors) = await RenderAsync(values);

        Assert.Null(documents);
        Assert.Contains("schema", errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_makes_a_broker_durable_cannot_be_set_otherwise()
    {
        var (documents, errors) = await RenderAsync("pubsub: { connection: [{ name: initialOffset, value: newest }] }");

        Assert.Null(documents);
        Assert.Contains("initialOffset is fixed for kafka", errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_cluster_that_is_too_old_is_refused()
    {
        var (documents, errors) = await Renderer.TryRenderAsync("--kube-version", "v1.28.3");

        Assert.Null(documents);
        Assert.Contains("kubeVersion", errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_notes_warn_about_what_is_unsafe_and_are_quiet_where_nothing_is()
    {
        var plain = await Renderer.NotesAsync();
        Assert.Contains("senders is empty", plain, StringComparison.Ordinal);
        Assert.Contains("services.edge.image.digest is empty", plain, StringComparison.Ordinal);
        Assert.Contains("networkPolicy.ingressFrom is empty", plain, StringComparison.Ordinal);
        Assert.Contains("nobody collects the metrics", plain, StringComparison.Ordinal);

        var open = await Renderer.NotesAsync("--set", "networkPolicy.enabled=false", "--set", "services.ingest.replicas=1");
        Assert.Contains("networkPolicy is off", open, StringComparison.Ordinal);
        Assert.Contains("services.ingest has one replica", open, StringComparison.Ordinal);

        var full = await Renderer.NotesAsync("--values", Resources.Values("full"));
        Assert.DoesNotContain("edge.image.digest", full, StringComparison.Ordinal);
        Assert.DoesNotContain("networkPolicy", full, StringComparison.Ordinal);
        Assert.Contains("https://mesh.example.org/api/webhooks/whatsapp", full, StringComparison.Ordinal);
        Assert.Contains("helm -n whatsapp test mesh", full, StringComparison.Ordinal);
    }

    private static async Task<(string? Documents, string Errors)> RenderAsync(string values)
    {
        var file = Path.GetTempFileName();
        try
        {
            await File.WriteAllTextAsync(file, values);
            return await Renderer.TryRenderAsync("--values", file);
        }
        finally
        {
            File.Delete(file);
        }
    }
}
