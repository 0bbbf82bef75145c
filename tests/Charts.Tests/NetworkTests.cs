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
