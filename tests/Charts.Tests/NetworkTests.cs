using System.Text.Json.Nodes;
using WhatsAppMesh.Charts.Tests.Rendering;

namespace WhatsAppMesh.Charts.Tests;

/// <summary>Nothing goes anywhere but along the map.</summary>
public sealed class NetworkTests
{
    private const int SidecarPort = 50002;

    [Fact]
    public async Task Every_pod_of_the_release_is_closed_by_default()
    {
        var deny = (await Resources.RenderAsync(full: true)).One("NetworkPolicy", "mesh-default-deny");

        Assert.Equal(["app.kubernetes.io/instance", "app.kubernetes.io/name"], deny.Spec["podSelector"]!["matchLabels"]!.AsObject().Select(label => label.Key).Order());
        Assert.Equal(["Ingress", "Egress"], deny.Spec["policyTypes"]!.AsArray().Select(type => type!.GetValue<string>()));
        Assert.Null(deny.Spec["ingress"]);
        Assert.Null(deny.Spec["egress"]);
    }

    [Theory]
    [InlineData("edge", "ingest", 8080)]
    [InlineData("edge", "ingest", SidecarPort)]
    [InlineData("edge", "membership", SidecarPort)]
    [InlineData("edge", "dispatch", SidecarPort)]
    [InlineData("membership", "ingest", SidecarPort)]
    [InlineData("dispatch", "ingest", SidecarPort)]
    [InlineData("dispatch", "membership", SidecarPort)]
    public async Task A_hop_of_the_map_is_open_at_both_ends(string caller, string callee, int port)
    {
        var resources = await Resources.RenderAsync();

        Assert.Contains((callee, port), Hops(resources, caller, "egress"));
        Assert.Contains((caller, port), Hops(resources, callee, "ingress"));
    }

    [Fact]
    public async Task What_may_be_left_may_be_entered_and_nothing_else()
    {
        var resources = await Resources.RenderAsync(full: true);
        string[] services = ["edge", "ingest", "membership", "dispatch"];

        var left = services.SelectMany(caller => Hops(resources, caller, "egress").Select(hop => (caller, hop.Peer, hop.Port))).Order();
        var entered = services.SelectMany(callee => Hops(resources, callee, "ingress").Where(hop => services.Contains(hop.Peer)).Select(hop => (hop.Peer, callee, hop.Port))).Order();

        Assert.Equal(left, entered);
        Assert.DoesNotContain(left, hop => hop.Peer == "edge");
    }

    [Theory]
    [InlineData("kafka", 9092)]
    [InlineData("rabbitmq", 5672)]
    [InlineData("redis", 6379)]
    public async Task Only_who_publishes_or_consumes_reaches_the_broker_and_only_owners_a_database(string type, int port)
    {
        var resources = await Resources.RenderAsync(type);

        Assert.Equal(["dispatch", "ingest", "membership"], Reaching(resources, port));
        Assert.Equal(["dispatch", "ingest", "membership"], Reaching(resources, 5432));
        Assert.Empty(Reaching(resources, 443));
    }

    [Theory]
    [InlineData("pubsub: { connection: [{ name: brokers, value: 'a:9093, b:9094' }] }", "ingest", 9092, 9093, 9094)]
    [InlineData("pubsub: { connection: [{ name: Brokers, value: 'a:9093' }] }", "membership", 9092, 9093)]
    [InlineData("pubsub: { connection: [{ name: brokers, secretKeyRef: { key: brokers } }] }", "ingest", 9093, 9092)]
    [InlineData("pubsub: { type: rabbitmq, connection: [{ name: connectionString, secretKeyRef: { key: rabbit } }] }", "ingest", 9092, 5671, 5672)]
    [InlineData("pubsub: { type: redis, connection: [{ name: redisHost, value: 'redis:6380' }] }", "dispatch", 6379, 6380)]
    [InlineData("{ networkPolicy: { pubsub: { ports: [9095] } }, pubsub: { connection: [{ name: brokers, value: 'a:9093' }] } }", "ingest", 9093, 9095)]
    [InlineData("claims: { type: redis, connection: [{ name: redisHost, value: '[fd00::1]:6390' }] }", "dispatch", 6379, 6390)]
    [InlineData("broker: { mode: http, url: 'http://broker:3000' }", "dispatch", 443, 3000)]
    [InlineData("broker: { mode: http, url: 'http://broker:3000/base/' }", "dispatch", 443, 3000)]
    [InlineData("broker: { mode: http, url: 'http://broker/base' }", "dispatch", 443, 80)]
    [InlineData("broker: { mode: http, url: 'https://broker' }", "dispatch", 80, 443)]
    [InlineData("telemetry: { otlpEndpoint: 'http://collector:14317' }", "edge", 4317, 14317)]
    [InlineData("networkPolicy: { dns: { ports: [1053] } }", "edge", 53, 1053)]
    [InlineData("secretStore: { type: secretstores.hashicorp.vault, metadata: [{ name: vaultAddr, value: 'https://vault:8200' }] }", "edge", 443, 8200)]
    [InlineData("secretStore: { type: secretstores.azure.keyvault, metadata: [{ name: vaultName, value: mesh }] }", "dispatch", 8200, 443)]
    public async Task A_hop_is_open_on_the_ports_of_the_addresses_that_are_configured(string values, string service, int closed, params int[] open)
    {
        var resources = await ValuesTests.RenderAsync(values);
        var ports = Ports(resources.One("NetworkPolicy", "mesh-" + service), "egress").ToList();

        Assert.All(open, port => Assert.Contains(port, ports));
        Assert.DoesNotContain(closed, ports);
    }

    [Fact]
    public async Task A_migrate_job_asks_the_same_DNS()
    {
        var resources = await ValuesTests.RenderAsync("networkPolicy: { dns: { ports: [1053] } }");

        Assert.Equal([1053, 1053, 5432], Ports(resources.One("NetworkPolicy", "mesh-migrate"), "egress"));
    }

    [Fact]
    public async Task Only_who_looks_into_the_secret_store_reaches_a_vault()
    {
        var resources = await ValuesTests.RenderAsync("secretStore: { type: secretstores.hashicorp.vault, metadata: [{ name: vaultAddr, value: 'https://vault:8200' }] }");

        Assert.Equal(["dispatch", "edge"], Reaching(resources, 8200));
    }

    [Fact]
    public async Task Only_dispatch_reaches_the_WhatsApp_broker_and_everybody_the_collector_of_traces()
    {
        var resources = await Resources.RenderAsync(full: true);

        Assert.Equal(["dispatch"], Reaching(resources, 443));
        Assert.Equal(["dispatch", "edge", "ingest", "membership"], Reaching(resources, 4317));
        Assert.All(resources.Of("NetworkPolicy").Where(policy => policy.Spec["egress"] is not null), policy => Assert.Contains(53, Ports(policy, "egress")));
    }

    [Fact]
    public async Task A_migrate_job_has_its_secret_and_its_way_to_the_database_before_the_release_exists()
    {
        var resources = await Resources.RenderAsync();
        var policy = resources.One("NetworkPolicy", "mesh-migrate");
        var jobs = resources.Of("Job").ToList();

        Assert.Equal(["mesh-dispatch-migrate", "mesh-ingest-migrate", "mesh-membership-migrate"], jobs.Select(job => job.Name).Order(StringComparer.Ordinal));
        Assert.All(jobs.Prepend(policy), hook => Assert.Equal("pre-install,pre-upgrade", Annotation(hook, "helm.sh/hook")));
        Assert.All(jobs, job => Assert.True(int.Parse(Annotation(policy, "helm.sh/hook-weight"), null) < int.Parse(Annotation(job, "helm.sh/hook-weight"), null)));
        Assert.All(jobs, job => Assert.Null(job.Pod!["serviceAccountName"]));
        Assert.All(jobs, job => Assert.Null(job.Spec["template"]!["metadata"]!["annotations"]));
        Assert.All(jobs, job => Assert.Equal(["migrate"], job.Pod!["containers"]![0]!["args"]!.AsArray().Select(argument => argument!.GetValue<string>())));
        Assert.All(jobs, job => Assert.All(
            policy.Spec["podSelector"]!["matchLabels"]!.AsObject(),
            label => Assert.Equal(label.Value!.GetValue<string>(), job.Spec["template"]!["metadata"]!["labels"]![label.Key]!.GetValue<string>())));
        Assert.All(resources.Of("Deployment").Where(deployment => deployment.Name != "mesh-edge"), deployment => Assert.Contains(
            deployment.Pod!["containers"]![0]!["env"]!.AsArray(),
            entry => entry!["name"]!.GetValue<string>() == "Database__MigrateAtStart" && entry["value"]!.GetValue<string>() == "false"));
    }

    [Fact]
    public async Task The_way_of_a_migrate_job_is_closed_again_when_it_has_ended_well_or_not()
    {
        var policy = (await Resources.RenderAsync()).One("NetworkPolicy", "mesh-migrate");

        // What a hook made belongs to no release: helm deletes it now, or never. It does so after the last hook of the event.
        Assert.Equal(["before-hook-creation", "hook-failed", "hook-succeeded"], Annotation(policy, "helm.sh/hook-delete-policy").Split(',').Order(StringComparer.Ordinal));
    }

    [Theory]
    [InlineData("networkPolicy.enabled=false")]
    [InlineData("networkPolicy.enabled=false,migrations.job=false")]
    public async Task Without_network_policies_there_is_none_not_even_as_a_hook(string set) =>
        Assert.Empty((await Resources.RenderAsync(full: true, more: ["--set", set])).Of("NetworkPolicy"));

    private static IEnumerable<string> Reaching(Resources resources, int port) =>
        resources.Of("NetworkPolicy").Where(policy => policy.Name != "mesh-migrate" && Ports(policy, "egress").Contains(port)).Select(policy => policy.Name["mesh-".Length..]).Order(StringComparer.Ordinal);

    private static IEnumerable<int> Ports(Resource policy, string direction) =>
        (policy.Spec[direction]?.AsArray() ?? []).SelectMany(rule => rule!["ports"]!.AsArray()).Select(port => port!["port"]!.GetValue<int>());

    private static IEnumerable<(string Peer, int Port)> Hops(Resources resources, string service, string direction) =>
        from rule in resources.One("NetworkPolicy", "mesh-" + service).Spec[direction]!.AsArray()
        from peer in (rule![direction == "egress" ? "to" : "from"] as JsonArray) ?? []
        let component = peer!["podSelector"]?["matchLabels"]?["app.kubernetes.io/component"]?.GetValue<string>()
        where component is not null
        from port in rule["ports"]!.AsArray()
        select (component, port!["port"]!.GetValue<int>());

    private static string Annotation(Resource resource, string name) => resource.Document["metadata"]!["annotations"]![name]!.GetValue<string>();
}
