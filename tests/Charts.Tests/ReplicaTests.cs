using System.Text.Json.Nodes;
using WhatsAppMesh.Charts.Tests.Rendering;

namespace WhatsAppMesh.Charts.Tests;

/// <summary>
/// Who writes <c>spec.replicas</c> (ADR 0041). The API server's own library for owners of fields says what becomes of it when helm applies on
/// the server's side, as helm 4 does.
/// </summary>
public sealed class ReplicaTests
{
    private const string Autoscaler = "kube-controller-manager";

    private static readonly string[] Off = ["--set", "services.edge.autoscaling.enabled=false", "--set", "services.edge.replicas=3"];

    public static TheoryData<string, bool> Renderings => Resources.Renderings;

    [Theory]
    [MemberData(nameof(Renderings))]
    public async Task Where_an_autoscaler_owns_the_number_the_chart_does_not_write_it(string type, bool full)
    {
        var resources = await Resources.RenderAsync(type, full);
        var scalers = resources.All.Where(static resource => resource.Kind is "HorizontalPodAutoscaler" or "ScaledObject");
        var scaled = scalers.Select(static scaler => scaler.Name).ToHashSet();

        Assert.All(resources.Of("Deployment"), deployment => Assert.Equal(scaled.Contains(deployment.Name), deployment.Spec["replicas"] is null));
        Assert.NotEmpty(scaled);
    }

    [Fact]
    public async Task Where_no_autoscaler_is_the_chart_writes_the_number_and_zero_stops_the_service()
    {
        const string stopped = "services.dispatch.autoscaling.enabled=false,services.dispatch.replicas=0,services.dispatch.disruption.maxUnavailable=2";
        var resources = await Resources.RenderAsync(more: ["--set", stopped]);

        Assert.Equal(0, resources.One("Deployment", "mesh-dispatch").Spec["replicas"]!.GetValue<int>());
        Assert.DoesNotContain(resources.Of("HorizontalPodAutoscaler"), scaler => scaler.Name == "mesh-dispatch");
    }

    [Fact]
    public void Nothing_is_rendered_from_what_a_Deployment_of_the_mesh_has()
    {
        // A manifest made from the cluster is another one at each upgrade, and a rollback brings an old number back.
        var lookups = Directory.GetFiles(Path.Combine(Renderer.Chart, "templates"), "*", SearchOption.AllDirectories)
            .SelectMany(File.ReadLines).Where(line => line.Contains("lookup ", StringComparison.Ordinal)).ToList();

        Assert.NotEmpty(lookups);
        Assert.All(lookups, line => Assert.Contains(".Values.dapr.namespace", line, StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_first_install_gets_its_number_from_the_autoscaler_and_no_upgrade_or_rollback_meets_it()
    {
        var (first, next) = (await EdgeAsync(), await EdgeAsync("--set", "image.tag=2.0.0"));

        Assert.Equal(
            [(1, false), (2, false), (6, false), (6, false), (6, false), (4, false), (4, false)],
            await RunAsync(Apply(first), Scale(Autoscaler, 2), Scale(Autoscaler, 6), Apply(next), Apply(first), Scale(Autoscaler, 4), Apply(next)));
    }

    [Fact]
    public async Task Nought_by_hand_outlives_upgrades_and_rollbacks_where_the_service_is_autoscaled()
    {
        var (first, next) = (await EdgeAsync(), await EdgeAsync("--set", "image.tag=2.0.0"));

        Assert.Equal(
            [(1, false), (2, false), (0, false), (0, false), (0, false)],
            await RunAsync(Apply(first), Scale(Autoscaler, 2), Scale("kubectl", 0), Apply(next), Apply(first)));
    }

    [Fact]
    public async Task Switching_the_autoscaler_off_needs_force_once_and_so_does_a_rollback_over_it()
    {
        var (on, off) = (await EdgeAsync(), await EdgeAsync(Off));

        Assert.Equal(
            [(1, false), (5, false), (5, true), (3, false), (3, false)],
            await RunAsync(Apply(on), Scale(Autoscaler, 5), Apply(off), Apply(off, force: true), Apply(off)));
        // Rolled back to a revision with a number while the autoscaler had changed it: the kind of conflict that older charts always had.
        Assert.Equal(
            [(3, false), (5, false), (5, true), (3, false)],
            await RunAsync(Apply(off), Scale(Autoscaler, 5), Apply(off), Apply(off, force: true)));
    }

    [Fact]
    public async Task Switching_the_autoscaler_on_falls_to_one_unless_the_number_is_handed_over_first()
    {
        var (on, off) = (await EdgeAsync(), await EdgeAsync(Off));
        var handedOver = new JsonObject { ["apiVersion"] = "apps/v1", ["kind"] = "Deployment", ["spec"] = new JsonObject { ["replicas"] = 3 } };

        Assert.Equal([(3, false), (1, false)], await RunAsync(Apply(off), Apply(on)));
        Assert.Equal(
            [(3, false), (3, false), (3, false), (5, false), (5, false)],
            await RunAsync(Apply(off), Apply(handedOver, "handover"), Apply(on), Scale(Autoscaler, 5), Apply(on)));
    }

    private static async Task<JsonObject> EdgeAsync(params string[] more) =>
        (await Resources.RenderAsync(more: more)).One("Deployment", "mesh-edge").Document.DeepClone().AsObject();

    private static JsonObject Apply(JsonObject manifest, string manager = "helm", bool force = false) =>
        new() { ["manager"] = manager, ["apply"] = manifest.DeepClone(), ["force"] = force };

    private static JsonObject Apply(JsonObject manifest, bool force) => Apply(manifest, "helm", force);

    private static JsonObject Scale(string manager, int replicas) => new() { ["manager"] = manager, ["scale"] = replicas };

    private static async Task<IEnumerable<(int Replicas, bool Refused)>> RunAsync(params JsonNode[] steps) =>
        (await Renderer.OwnershipAsync(new JsonArray(steps))).Select(static result =>
            (result!["replicas"]!.GetValue<int>(), result["conflict"]!.GetValue<string>().Contains(".spec.replicas", StringComparison.Ordinal)));
}
