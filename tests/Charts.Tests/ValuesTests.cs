using WhatsAppMesh.Charts.Tests.Rendering;

namespace WhatsAppMesh.Charts.Tests;

public sealed class ValuesTests
{
    [Theory]
    [InlineData("services.edge.replica=2", "services.edge")]
    [InlineData("services.edge.replicas=-1", "services.edge.replicas")]
    [InlineData("services.edge.replicas=two", "services.edge.replicas")]
    [InlineData("services.edge.image.digest=sha256:123", "services.edge.image.digest")]
    [InlineData("services.billing.replicas=1", "services")]
    [InlineData("services.edge.resources.limits.cpu=1", "services.edge.resources.limits")]
    [InlineData("image.tag=latest", "image.tag")]
    [InlineData("pubsub.type=pulsar", "pubsub.type")]
    [InlineData("dapr.maxBodySize=4Mi", "dapr.maxBodySize")]
    [InlineData("ingress.enabled=true", "ingress.host")]
    [InlineData("broker.mode=http", "broker.url")]
    [InlineData("broker.mode=http,broker.url=https://b,broker.apiKeySecretKey=", "broker.apiKeySecretKey")]
    [InlineData("broker.url=broker.example.org", "broker.url")]
    [InlineData("existingSecret=", "existingSecret")]
    [InlineData("telemetry.otlpEndpoint=collector:4317", "telemetry.otlpEndpoint")]
    [InlineData("telemetry.otlpEndpoint=http://collector", "telemetry.otlpEndpoint")]
    [InlineData("telemetry.otlpEndpoint=http://collector:4318", "telemetry.otlpEndpoint")]
    [InlineData("telemetry.monitor.kind=Monitor", "telemetry.monitor.kind")]
    [InlineData("services.edge.resources.requests.memory=192m", "services.edge.resources.requests.memory")]
    [InlineData("services.edge.resources.requests.cpu=1Gi", "services.edge.resources.requests.cpu")]
    [InlineData("pods.labels.app\\.kubernetes\\.io/name=other", "pods.labels")]
    [InlineData("pods.annotations.dapr\\.io/app-id=other", "pods.annotations")]
    [InlineData("replicas=2", "replicas")]
    public async Task A_wrong_value_is_refused_by_name(string set, string where)
    {
        var (documents, errors) = await Renderer.TryRenderAsync("--set", set);

        Assert.Null(documents);
        Refusal.Names(where, errors);
    }

    [Theory]
    [InlineData("pubsub: { connection: [{ name: saslPassword, value: hunter2 }] }")]
    [InlineData("pubsub: { connection: [{ name: brokers, value: a, secretKeyRef: { key: b } }] }")]
    [InlineData("claims: { connection: [{ name: connectionString, value: host=db }] }")]
    [InlineData("senders: { sources: [{ name: default, secrets: [{ id: a, value: hunter2 }] }] }")]
    [InlineData("pubsub: { connection: [{ name: SASLPASSWORD, value: hunter2 }] }")]
    [InlineData("pubsub: { connection: [{ name: accessKey, value: AKIA }] }")]
    [InlineData("pubsub: { connection: [{ name: awsSecretKey, value: hunter2 }] }")]
    [InlineData("pubsub: { connection: [{ name: hostname, value: 'amqp://mesh:hunter2@rabbit' }] }")]
    [InlineData("services: { ingest: { env: { ConnectionStrings__Other: 'Host=db' } } }")]
    [InlineData("services: { ingest: { env: { Lake__Reader: 'Host=db;Password=hunter2' } } }")]
    [InlineData("services: { edge: { env: { Mesh__InternalToken: hunter2 } } }")]
    [InlineData("services: { edge: { env: { ORDERS_SECRET: hunter2 } } }")]
    public async Task A_secret_that_is_written_out_is_refused(string values)
    {
        var (documents, errors) = await TryRenderAsync(values);

        Assert.Null(documents);
        Assert.DoesNotContain("hunter2", errors, StringComparison.Ordinal);
        Assert.NotEmpty(errors);
    }

    [Theory]
    [InlineData("pubsub: { connection: [{ name: initialOffset, value: newest }] }", "pubsub.connection of kafka: initialOffset is fixed")]
    [InlineData("pubsub: { connection: [{ name: InitialOffset, value: newest }] }", "initialOffset is fixed")]
    [InlineData("pubsub: { connection: [{ name: consumerID, value: mesh }] }", "consumerID may not be set")]
    [InlineData("pubsub: { connection: [{ name: consumergroup, value: mesh }] }", "consumerGroup may not be set")]
    [InlineData("pubsub: { type: rabbitmq, connection: [{ name: autoAck, value: 'true' }] }", "autoAck may not be set")]
    [InlineData("pubsub: { type: redis, connection: [{ name: consumerID, value: mesh }] }", "consumerID may not be set")]
    [InlineData("claims: { connection: [{ name: keyprefix, value: appid }] }", "claims.connection: keyPrefix is fixed")]
    [InlineData("dapr: { annotations: { dapr.io/app-id: other } }", "dapr.annotations: dapr.io/app-id is set by the chart")]
    [InlineData("services: { ingest: { env: { database__migrateatstart: true } } }", "services.ingest.env: database__migrateatstart is set by the chart")]
    [InlineData("secretStore: { type: secretstores.kubernetes }", "secretstores.kubernetes needs a token")]
    [InlineData("{ keda: { enabled: true }, pubsub: { type: rabbitmq, connection: [{ name: connectionString, secretKeyRef: { key: rabbit } }] } }", "keda.authentication")]
    public async Task What_would_lose_or_mix_up_events_cannot_be_set(string values, string why)
    {
        var (documents, errors) = await TryRenderAsync(values);

        Assert.Null(documents);
        Assert.Contains(why, errors, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("1")]
    [InlineData("0.5")]
    [InlineData("\"500m\"")]
    public async Task Every_way_to_write_an_amount_is_taken(string cpu)
    {
        var resources = await RenderAsync($"{{ services: {{ edge: {{ resources: {{ requests: {{ cpu: {cpu}, memory: 268435456 }}, limits: {{ memory: 1G }} }} }} }}, dapr: {{ sidecar: {{ requests: {{ cpu: {cpu}, memory: 64M }}, limits: {{ memory: 268435456 }} }} }} }}");

        // An annotation is a text whatever the value was.
        var annotations = resources.One("Deployment", "mesh-edge").Spec["template"]!["metadata"]!["annotations"]!;
        Assert.Equal(cpu.Trim('"'), annotations["dapr.io/sidecar-cpu-request"]!.GetValue<string>());
        Assert.Equal("268435456", annotations["dapr.io/sidecar-memory-limit"]!.GetValue<string>());
    }

    [Fact]
    public async Task The_name_of_a_secret_is_no_secret() =>
        await RenderAsync("services: { dispatch: { env: { Dispatch__Sending__ApiKeySecret: broker-key } } }");

    [Fact]
    public async Task A_cluster_that_is_too_old_is_refused()
    {
        var (documents, errors) = await Renderer.TryRenderAsync("--kube-version", "v1.28.3");

        Assert.Null(documents);
        Assert.Contains("1.28.3", errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_notes_warn_about_what_is_unsafe_and_are_quiet_where_nothing_is()
    {
        var plain = await Renderer.NotesAsync();
        Assert.Contains("senders is empty", plain, StringComparison.Ordinal);
        Assert.Contains("services.edge.image.digest is empty", plain, StringComparison.Ordinal);
        Assert.Contains("networkPolicy.ingressFrom is empty", plain, StringComparison.Ordinal);
        Assert.Contains("nobody collects the metrics", plain, StringComparison.Ordinal);
        Assert.Contains("image.registry is empty", plain, StringComparison.Ordinal);

        var open = await Renderer.NotesAsync("--set", "networkPolicy.enabled=false", "--set", "services.ingest.autoscaling.enabled=false", "--set", "services.ingest.replicas=1", "--set", "services.edge.autoscaling.minReplicas=1");
        Assert.Contains("networkPolicy is off", open, StringComparison.Ordinal);
        Assert.Contains("services.ingest has one replica", open, StringComparison.Ordinal);
        Assert.Contains("services.edge has one replica", open, StringComparison.Ordinal);
        Assert.DoesNotContain("image.registry", await Renderer.NotesAsync("--set", "services.edge.image.repository=registry.example.org/mesh/edge"), StringComparison.Ordinal);

        var full = await Renderer.NotesAsync("--values", Resources.Values("full"));
        Assert.DoesNotContain("edge.image.digest", full, StringComparison.Ordinal);
        Assert.DoesNotContain("networkPolicy", full, StringComparison.Ordinal);
        Assert.DoesNotContain("image.registry", full, StringComparison.Ordinal);
        Assert.DoesNotContain("broker.instances", full, StringComparison.Ordinal);
        Assert.Contains("https://mesh.example.org/api/webhooks/whatsapp", full, StringComparison.Ordinal);
        Assert.Contains("helm -n whatsapp test mesh", full, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("acme", "mode: dryrun", false)]
    [InlineData("beta", "mode: dryrun", true)]
    [InlineData("beta", "mode: disabled", false)]
    [InlineData("beta", "instances: [{ id: sales, tenant: acme }]", false)]
    public async Task The_notes_warn_when_tenants_share_the_broker_s_instances(string second, string broker, bool warn)
    {
        var values = $$"""
            senders:
              sources:
                - { name: a, tenant: acme, secrets: [{ id: a, file: /a }] }
                - { name: b, tenant: {{second}}, secrets: [{ id: a, file: /b }] }
            broker: { {{broker}} }
            """;
        Assert.Equal(warn, (await WithFileAsync(values, static file => Renderer.NotesAsync("--values", file))).Contains("broker.instances is empty", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("senderSecrets: [collectors]", false)]
    [InlineData("senderSecrets: [others]", true)]
    public async Task The_notes_warn_when_a_sender_s_file_is_mounted_nowhere(string secrets, bool warn)
    {
        var values = $$"""
            senders: { triggers: [{ name: orders, secrets: [{ id: a, file: /var/run/secrets/senders/collectors/orders }] }] }
            {{secrets}}
            """;
        var notes = await WithFileAsync(values, static file => Renderer.NotesAsync("--values", file));
        Assert.Equal(warn, notes.Contains("orders names a file of the Secret collectors", StringComparison.Ordinal));
    }

    [Fact]
    public async Task The_notes_say_that_a_service_is_stopped()
    {
        var notes = await Renderer.NotesAsync("--set", "services.dispatch.autoscaling.enabled=false,services.dispatch.replicas=0");

        Assert.Contains("services.dispatch.replicas is 0", notes, StringComparison.Ordinal);
        Assert.DoesNotContain("services.dispatch has one replica", notes, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_instance_without_a_tenant_is_refused() =>
        Assert.Contains("instances", (await TryRenderAsync("broker: { instances: [{ id: sales }] }")).Errors, StringComparison.Ordinal);

    [Fact]
    public async Task Minimised_tenants_and_their_key_are_known_to_edge_and_ingest_alone()
    {
        var resources = await RenderAsync("minimisation: { tenants: [acme, beta] }");
        foreach (var deployment in resources.Of("Deployment"))
        {
            var environment = deployment.Pod!["containers"]!.AsArray().SelectMany(static container => container!["env"]?.AsArray() ?? [])
                .Where(static entry => entry!["name"]!.GetValue<string>().StartsWith("Mesh__Minimisation", StringComparison.Ordinal))
                .Select(static entry => entry!["value"]?.GetValue<string>() ?? entry["valueFrom"]!["secretKeyRef"]!["key"]!.GetValue<string>());
            Assert.Equal(
                deployment.Name.EndsWith("edge", StringComparison.Ordinal) || deployment.Name.EndsWith("ingest", StringComparison.Ordinal)
                    ? ["minimisation-key", "acme", "beta"]
                    : [],
                environment);
        }
    }

    /// <summary>The chart with values as a text of YAML.</summary>
    internal static async Task<Resources> RenderAsync(string values)
    {
        var (documents, errors) = await TryRenderAsync(values);
        Assert.True(documents is not null, errors);
        return new Resources([.. Yaml.Documents(documents).Select(document => new Resource(document))]);
    }

    private static Task<(string? Documents, string Errors)> TryRenderAsync(string values) => WithFileAsync(values, static file => Renderer.TryRenderAsync("--values", file));

    private static async Task<T> WithFileAsync<T>(string values, Func<string, Task<T>> use)
    {
        var file = Path.GetTempFileName();
        try
        {
            await File.WriteAllTextAsync(file, values);
            return await use(file);
        }
        finally
        {
            File.Delete(file);
        }
    }
}
