using System.Collections.Concurrent;
using WhatsAppMesh.Charts.Tests.Rendering;

namespace WhatsAppMesh.Charts.Tests;

/// <summary>What would fail later, in the API server, in a sidecar or in a service, is refused before anything is made.</summary>
public sealed class SchemaTests
{
    private const string Sender = OneSecret + ", file: /a }]";
    private const string OneSecret = "senders: { sources: [{ name: a, secrets: [{ id: a";
    private const string Key = "senders: { apiKeys: [{ name: a, tenant: a, hash: '" + Hash + "'";
    private const string Hash = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

    [Fact]
    public async Task Null_is_refused_wherever_it_stands()
    {
        var values = ValueTree.Everything();
        var taken = new ConcurrentBag<string>();
        // That one is helm's way to take a key out of a map whose keys are the operator's.
        var places = ValueTree.Places(values).Where(path => path[^1] != "grafana_dashboard").ToList();
        await Parallel.ForEachAsync(places, new ParallelOptions { MaxDegreeOfParallelism = 2 }, async (path, _) =>
        {
            if ((await ValueTree.TryRenderAsync(ValueTree.With(values, path, null))).Documents is not null)
                taken.Add(string.Join('.', path));
        });

        Assert.True(places.Count > 250);
        Assert.Empty(taken);
    }

    [Theory]
    [InlineData("pubsub: { connection: [] }", "pubsub.connection")]
    [InlineData("claims: { connection: [] }", "claims.connection")]
    [InlineData("pubsub: { connection: [{ name: authType, value: none }] }", "brokers is missing")]
    [InlineData("pubsub: { connection: [{ name: brokers, value: '' }] }", "brokers is missing")]
    [InlineData("pubsub: { type: redis }", "redisHost is missing")]
    [InlineData("pubsub: { type: rabbitmq }", "connectionString or hostname is missing")]
    [InlineData("claims: { type: redis }", "redisHost is missing")]
    [InlineData("claims: { connection: [{ name: tableName, value: a }] }", "connectionString is missing")]
    [InlineData("pubsub: { connection: [{ name: brokers, value: 'a:1' }, { name: Brokers, value: 'b:1' }] }", "Brokers stands there twice")]
    [InlineData("pubsub: { connection: [{ name: brokers, value: 'http://a:9092' }] }", "no host and port")]
    [InlineData("pubsub: { connection: [{ name: brokers, value: 'a:9092,b' }] }", "no host and port")]
    public async Task A_component_says_how_it_is_reached(string values, string why) => await AssertRefusedAsync(values, why);

    [Theory]
    [InlineData("smokeTest: { secret: { name: a } }", "smokeTest.secret")]
    [InlineData("smokeTest: { secret: { key: a } }", "smokeTest.secret")]
    [InlineData("smokeTest: { secret: { name: a, key: a }, apiKey: { name: a } }", "smokeTest.apiKey")]
    [InlineData("smokeTest: { apiKey: { name: a, key: a } }", "smokeTest.apiKey")]
    [InlineData("services: { edge: { env: { A_SECRET: { secret: a } } } }", "services.edge.env.A_SECRET")]
    [InlineData("services: { edge: { env: { A_SECRET: { secret: a, key: '' } } } }", "services.edge.env.A_SECRET")]
    public async Task A_secret_has_a_name_and_a_key(string values, string where) => await AssertRefusedAsync(values, where);

    [Theory]
    [InlineData(Sender + ", tennant: acme }] }", "senders.sources")]
    [InlineData(Sender + ", Tenant: acme }] }", "senders.sources")]
    [InlineData(Sender + ", scheme: github }] }", "senders.sources")]
    [InlineData(Sender + ", schemes: [header] }] }", "schemes")]
    [InlineData(Sender + ", requestsPerSecond: many }] }", "requestsPerSecond")]
    [InlineData(Sender + "}, { name: a, secrets: [{ id: a, file: /b }] }] }", "the name a is given twice")]
    [InlineData("senders: { sources: [{ name: 'a b', secrets: [{ id: a, file: /a }] }] }", "name")]
    [InlineData("senders: { sources: [{ name: a, secrets: [] }] }", "secrets")]
    [InlineData(OneSecret + " }] }] }", "secrets")]
    [InlineData(OneSecret + ", file: /a, env: A }] }] }", "secrets")]
    [InlineData(OneSecret + ", flie: /a }] }] }", "secrets")]
    [InlineData(OneSecret + ", store: secrets }] }] }", "secrets")]
    [InlineData(OneSecret + ", file: /a, expires: tomorrow }] }] }", "expires")]
    [InlineData(OneSecret + ", keyHash: '" + Hash + "' }] }] }", "secrets")]
    [InlineData("senders: { triggers: [{ name: a, scheme: gitlab, secrets: [{ id: a, file: /a }] }] }", "scheme")]
    [InlineData("senders: { triggers: [{ name: a, deliveryFeild: id, secrets: [{ id: a, file: /a }] }] }", "triggers")]
    [InlineData("senders: { apiKeys: [{ name: a, tenant: a, role: viewer, hash: 12 }] }", "hash")]
    [InlineData(Key + ", role: admin }] }", "role")]
    [InlineData(Key + ", role: viewer, expire: x }] }", "apiKeys")]
    [InlineData("senders: { collectors: [] }", "senders.collectors")]
    public async Task A_typo_in_a_sender_is_refused(string values, string where) => await AssertRefusedAsync(values, where);

    [Fact]
    public async Task Every_list_of_senders_takes_what_its_kind_may_have() => await ValuesTests.RenderAsync(
        """
        senders:
          sources:
            - { name: a, tenant: a, schemes: [body, standard-webhooks], requestsPerSecond: 0.5, burst: 2, secrets: [{ id: a, env: A }] }
            - { name: b, secrets: [{ id: "1", file: /b, notBefore: "2026-01-01T00:00:00Z", expires: "2026-02-01T00:00:00+01:00" }] }
          triggers:
            - { name: a, scheme: github, deliveryHeader: X-Id, deliveryField: event.id, secrets: [{ id: a, store: secrets, key: A }] }
            - { name: b, entityField: a.b, statusField: "-", secrets: [{ id: a, file: /a }] }
          crm: [{ name: a, secrets: [{ id: a, keyHash: "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef" }] }]
          broker: [{ name: a, secrets: [{ id: a, file: /a }] }]
          waha: [{ name: a, secrets: [{ id: a, file: /a }] }]
          evolution: [{ name: a, secrets: [{ id: a, file: /a }] }]
          apiKeys:
            - { name: a, tenant: "*", role: operator, requestsPerSecond: 1, hash: "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef" }
        """);

    [Theory]
    [InlineData("telemetry.alerts.kind=PodMonitor", "telemetry.alerts.kind")]
    [InlineData("telemetry.alerts.interval=15s", "telemetry.alerts.interval")]
    [InlineData("telemetry.dashboard.interval=15s", "telemetry.dashboard.interval")]
    [InlineData("telemetry.dashboard.kind=PodMonitor", "telemetry.dashboard.kind")]
    [InlineData("telemetry.monitor.interval=0s", "telemetry.monitor.interval")]
    [InlineData("networkPolicy.database.from=x", "networkPolicy.database.from")]
    [InlineData("ingress.path=/api", "ingress.path")]
    public async Task A_setting_that_nothing_reads_is_refused(string set, string where)
    {
        var (documents, errors) = await Renderer.TryRenderAsync("--set", set);

        Assert.Null(documents);
        Refusal.Names(where, errors);
    }

    [Theory]
    [InlineData("https://mesh.example.org")]
    [InlineData("mesh.example.org:443")]
    [InlineData("mesh.example.org/api")]
    [InlineData("Mesh.example.org")]
    [InlineData("mesh_1.example.org")]
    [InlineData("-mesh.example.org")]
    [InlineData("mesh..example.org")]
    [InlineData("mesh.example.org.")]
    [InlineData("10.0.0.1")]
    [InlineData("mesh example")]
    [InlineData("mesh.*.org")]
    public async Task A_host_that_no_Ingress_may_have_is_refused(string host) =>
        await AssertRefusedAsync($"ingress: {{ enabled: true, host: '{host}', tlsSecret: a }}", "ingress.host");

    [Theory]
    [InlineData("https://")]
    [InlineData("https:///messages")]
    [InlineData("http://:8080")]
    [InlineData("http://broker:0")]
    [InlineData("http://broker:65536")]
    [InlineData("http://broker:99999/v1")]
    [InlineData("http://user:word@broker")]
    [InlineData("http://-broker")]
    [InlineData("http://broker?key=1")]
    [InlineData("ftp://broker")]
    public async Task An_address_that_nobody_can_call_is_refused(string address)
    {
        await AssertRefusedAsync($"broker: {{ url: '{address}' }}", "broker.url");
        await AssertRefusedAsync($"telemetry: {{ otlpEndpoint: '{address}' }}", "telemetry.otlpEndpoint");
    }

    [Theory]
    [InlineData("mesh.example.org", "https://broker.example.org:8443/v1")]
    [InlineData("*.example.org", "http://10.0.0.1:65535")]
    [InlineData("localhost", "http://[2001:db8::1]:8080")]
    public async Task A_good_host_and_address_are_taken(string host, string url) =>
        await ValuesTests.RenderAsync($"{{ ingress: {{ enabled: true, host: '{host}', tlsSecret: a }}, broker: {{ url: '{url}' }} }}");

    [Theory]
    [InlineData("services.edge.disruption.maxUnavailable=3", "services.edge.disruption.maxUnavailable")]
    [InlineData("services.edge.autoscaling.minReplicas=1,services.edge.disruption.maxUnavailable=2", "services.edge.disruption.maxUnavailable")]
    [InlineData("services.edge.autoscaling.enabled=false,services.edge.replicas=1,services.edge.disruption.maxUnavailable=2", "maxUnavailable")]
    [InlineData("services.edge.autoscaling.minReplicas=7", "services.edge.autoscaling")]
    [InlineData("services.edge.resources.requests.memory=1Gi", "services.edge.resources")]
    [InlineData("services.edge.resources.limits.memory=1000000", "services.edge.resources")]
    [InlineData("dapr.sidecar.limits.memory=32Mi", "dapr.sidecar")]
    public async Task Numbers_that_do_not_go_together_are_refused(string set, string where)
    {
        var (documents, errors) = await Renderer.TryRenderAsync("--set", set);

        Assert.Null(documents);
        Assert.Contains(where, errors, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("existingSecret: Mesh_Secret", "existingSecret")]
    [InlineData("image: { registry: 'https://registry.example.org' }", "image.registry")]
    [InlineData("services: { edge: { image: { repository: 'mesh/edge:1.0' } } }", "services.edge.image.repository")]
    [InlineData("services: { edge: { image: { repository: Mesh/Edge } } }", "services.edge.image.repository")]
    [InlineData("pods: { labels: { team: 'a b' } }", "pods.labels.team")]
    [InlineData("pods: { labels: { 'a b': team } }", "pods.labels")]
    [InlineData("pods: { nodeSelector: { 'a/b/c': d } }", "a.b.c")]
    [InlineData("pods: { tolerations: [{ key: a, operater: Exists }] }", "pods.tolerations")]
    [InlineData("pods: { tolerations: [{ key: a, effect: Never }] }", "pods.tolerations")]
    [InlineData("networkPolicy: { ingressFrom: [{ namespaceSelecter: {} }] }", "networkPolicy.ingressFrom")]
    [InlineData("networkPolicy: { database: { to: [{ ipBlock: { cidr: 10.0.0.1 } }] } }", "networkPolicy.database.to")]
    [InlineData("networkPolicy: { database: { to: [{ ipBlock: { cidr: 10.0.0.0/8 }, podSelector: {} }] } }", "networkPolicy.database.to")]
    [InlineData("dapr: { namespace: dapr.system }", "dapr.namespace")]
    [InlineData("secretStore: { version: latest }", "secretStore.version")]
    public async Task What_the_API_server_would_refuse_is_refused(string values, string where) => await AssertRefusedAsync(values, where);

    private static async Task AssertRefusedAsync(string values, string where)
    {
        var (documents, errors) = await ValueTree.TryRenderAsync(Yaml.Documents(values)[0]);

        Assert.Null(documents);
        Refusal.Names(where, errors);
    }
}
