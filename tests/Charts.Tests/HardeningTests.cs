using System.Globalization;
using System.Text.Json.Nodes;
using WhatsAppMesh.Charts.Tests.Rendering;

namespace WhatsAppMesh.Charts.Tests;

public sealed class HardeningTests
{
    public static TheoryData<string, bool> Renderings => Resources.Renderings;

    [Theory]
    [MemberData(nameof(Renderings))]
    public async Task Every_pod_runs_as_nobody_in_particular_and_holds_no_token(string type, bool full)
    {
        var pods = (await Resources.RenderAsync(type, full)).All.Where(resource => resource.Pod is not null).ToList();

        Assert.NotEmpty(pods);
        Assert.All(pods, pod =>
        {
            var security = pod.Pod!["securityContext"]!;
            Assert.True(security["runAsNonRoot"]!.GetValue<bool>());
            Assert.True(security["runAsUser"]!.GetValue<int>() > 0);
            Assert.Equal("RuntimeDefault", security["seccompProfile"]!["type"]!.GetValue<string>());
            Assert.False(pod.Pod["automountServiceAccountToken"]!.GetValue<bool>());
            Assert.All((string[])["hostNetwork", "hostPID", "hostIPC"], host => Assert.Null(pod.Pod[host]));
            Assert.All(pod.Pod["volumes"]?.AsArray() ?? [], volume => Assert.Null(volume!["hostPath"]));
        });
    }

    [Theory]
    [MemberData(nameof(Renderings))]
    public async Task Every_container_is_hardened_and_bounded(string type, bool full)
    {
        var resources = await Resources.RenderAsync(type, full);

        Assert.All(resources.All.Where(resource => resource.Pod is not null).SelectMany(Containers), container =>
        {
            var security = container["securityContext"]!;
            Assert.False(security["allowPrivilegeEscalation"]!.GetValue<bool>());
            Assert.True(security["readOnlyRootFilesystem"]!.GetValue<bool>());
            Assert.Equal(["ALL"], security["capabilities"]!["drop"]!.AsArray().Select(one => one!.GetValue<string>()));
            Assert.Null(security["capabilities"]!["add"]);
            Assert.Null(security["privileged"]);
            Assert.NotNull(container["resources"]!["requests"]!["cpu"]);
            Assert.NotNull(container["resources"]!["requests"]!["memory"]);
            Assert.NotNull(container["resources"]!["limits"]!["memory"]);
            Assert.DoesNotContain(":latest", container["image"]!.GetValue<string>(), StringComparison.Ordinal);
        });
    }

    [Fact]
    public async Task Every_service_is_probed_on_its_HTTP_port_and_goes_slower_than_its_sidecar_drains()
    {
        var resources = await Resources.RenderAsync();

        Assert.All(resources.Of("Deployment"), deployment =>
        {
            var container = deployment.Pod!["containers"]![0]!;
            Assert.Equal("/healthz", container["startupProbe"]!["httpGet"]!["path"]!.GetValue<string>());
            Assert.Equal("/readyz", container["readinessProbe"]!["httpGet"]!["path"]!.GetValue<string>());
            Assert.Equal("/healthz", container["livenessProbe"]!["httpGet"]!["path"]!.GetValue<string>());
            Assert.Equal(8080, container["ports"]!.AsArray().Single(port => port!["name"]!.GetValue<string>() == "http")!["containerPort"]!.GetValue<int>());
            Assert.Equal(2, deployment.Pod["topologySpreadConstraints"]!.AsArray().Count);

            var annotations = deployment.Spec["template"]!["metadata"]!["annotations"]!;
            var block = int.Parse(annotations["dapr.io/block-shutdown-duration"]!.GetValue<string>().TrimEnd('s'), CultureInfo.InvariantCulture);
            var graceful = int.Parse(annotations["dapr.io/graceful-shutdown-seconds"]!.GetValue<string>(), CultureInfo.InvariantCulture);
            var preStop = container["lifecycle"]!["preStop"]!["sleep"]!["seconds"]!.GetValue<int>();
            Assert.True(deployment.Pod["terminationGracePeriodSeconds"]!.GetValue<int>() >= preStop + block + graceful + 30);
        });
    }

    [Fact]
    public async Task Every_sidecar_has_tokens_both_ways_bounds_and_no_app_health_check()
    {
        var resources = await Resources.RenderAsync();

        Assert.All(resources.Of("Deployment"), deployment =>
        {
            var annotations = deployment.Spec["template"]!["metadata"]!["annotations"]!.AsObject();
            Assert.Equal("h2c", Text(annotations, "dapr.io/app-protocol"));
            Assert.Equal("false", Text(annotations, "dapr.io/enable-app-health-check"));
            Assert.Equal("true", Text(annotations, "dapr.io/disable-builtin-k8s-secret-store"));
            Assert.NotEqual("", Text(annotations, "dapr.io/sidecar-memory-limit"));
            var environment = deployment.Pod!["containers"]![0]!["env"]!.AsArray().ToDictionary(entry => entry!["name"]!.GetValue<string>());
            Assert.Equal(Text(annotations, "dapr.io/api-token-secret"), SecretOf(environment["DAPR_API_TOKEN"]));
            Assert.Equal(Text(annotations, "dapr.io/app-token-secret"), SecretOf(environment["APP_API_TOKEN"]));
        });
    }

    [Fact]
    public async Task A_node_can_be_drained_of_pods_that_are_not_ready()
    {
        var budgets = (await Resources.RenderAsync()).Of("PodDisruptionBudget").ToList();

        Assert.Equal(4, budgets.Count);
        Assert.All(budgets, budget => Assert.Equal("AlwaysAllow", budget.Spec["unhealthyPodEvictionPolicy"]!.GetValue<string>()));
    }

    [Theory]
    [InlineData("true", 900, 300)]
    [InlineData("false", 900, 900)]
    [InlineData("false", 60, 300)]
    public async Task A_service_that_migrates_is_not_ended_before_its_time_is_over(string job, int seconds, int expected)
    {
        var resources = await Resources.RenderAsync(more: ["--set", $"migrations.job={job}", "--set", $"migrations.timeoutSeconds={seconds}"]);

        Assert.All(resources.Of("Deployment"), deployment =>
        {
            var probe = deployment.Pod!["containers"]![0]!["startupProbe"]!;
            Assert.Equal(expected, probe["periodSeconds"]!.GetValue<int>() * probe["failureThreshold"]!.GetValue<int>());
        });
    }

    [Fact]
    public async Task A_release_whose_pods_would_be_ended_while_they_drain_is_refused()
    {
        var (documents, errors) = await Renderer.TryRenderAsync("--set", "dapr.blockShutdownSeconds=60");

        Assert.Null(documents);
        Assert.Contains("pods.terminationSeconds", errors, StringComparison.Ordinal);
    }

    private static IEnumerable<JsonNode> Containers(Resource resource) => resource.Pod!["containers"]!.AsArray().Concat(resource.Pod["initContainers"]?.AsArray() ?? [])!;

    private static string Text(JsonObject annotations, string name) => annotations[name]!.GetValue<string>();

    private static string SecretOf(JsonNode? entry) => entry!["valueFrom"]!["secretKeyRef"]!["name"]!.GetValue<string>();
}
