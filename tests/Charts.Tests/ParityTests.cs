using System.Text.Json.Nodes;
using WhatsAppMesh.Charts.Tests.Rendering;
using WhatsAppMesh.Mesh.Running;

namespace WhatsAppMesh.Charts.Tests;

/// <summary>
/// A service runs on the same topics, policies and scopes wherever it runs: components/ (self-hosted), the chart (a cluster), dapr.yaml and
/// the code say the same.
/// </summary>
public sealed class ParityTests
{
    // How to reach something is each place's own.
    private static readonly string[] Connections = ["brokers", "authType", "connectionString"];

    private static readonly string Repository = MeshRepository.Find();
    private static readonly RunFile RunFile = RunFile.Load(Path.Combine(Repository, "dapr.yaml"));
    private static readonly IReadOnlyList<Resource> SelfHosted = [.. Yaml.Folder(Path.Combine(Repository, "components")).Select(document => new Resource(document))];

    [Fact]
    public async Task Components_and_chart_have_the_same_resources()
    {
        var chart = await Resources.RenderAsync(full: true);

        Assert.Equal(Named(SelfHosted), Named(chart.All.Where(resource => resource.IsDapr)));
    }

    [Theory]
    [InlineData("Component")]
    [InlineData("Subscription")]
    [InlineData("Resiliency")]
    [InlineData("HTTPEndpoint")]
    public async Task They_have_the_same_scopes_and_none_is_open_to_everybody(string kind)
    {
        var chart = await Resources.RenderAsync(full: true);

        Assert.All(SelfHosted.Where(resource => resource.Kind == kind), resource =>
        {
            Assert.NotEmpty(resource.Scopes);
            Assert.Equal(resource.Scopes, chart.One(kind, resource.Name).Scopes);
        });
    }

    [Theory]
    [InlineData("Subscription")]
    [InlineData("Resiliency")]
    public async Task Subscriptions_and_resiliency_say_the_same_to_the_last_number(string kind)
    {
        var chart = await Resources.RenderAsync(full: true);
        var here = SelfHosted.Where(resource => resource.Kind == kind).ToList();

        Assert.NotEmpty(here);
        Assert.All(here, resource => Assert.True(
            JsonNode.DeepEquals(resource.Spec, chart.One(kind, resource.Name).Spec),
            $"{resource}:\n{resource.Spec.ToJsonString()}\n{chart.One(kind, resource.Name).Spec.ToJsonString()}"));
    }

    [Theory]
    [InlineData("pubsub")]
    [InlineData("claims")]
    [InlineData("secrets")]
    public async Task Components_have_the_same_type_and_settings(string name)
    {
        var (here, there) = (SelfHosted.Single(resource => resource.Kind == "Component" && resource.Name == name), (await Resources.RenderAsync()).One("Component", name));

        Assert.Equal(here.Spec["type"]!.GetValue<string>(), there.Spec["type"]!.GetValue<string>());
        Assert.Equal(here.Spec["version"]!.GetValue<string>(), there.Spec["version"]!.GetValue<string>());
        Assert.Equal(WithoutConnections(here), WithoutConnections(there));
    }

    [Fact]
    public async Task The_local_mesh_has_the_access_rules_and_the_settings_of_sidecars_that_the_chart_renders()
    {
        var chart = await Resources.RenderAsync(more: ["--namespace", "default"]);
        var common = Yaml.File(Path.Combine(Repository, "components", "configuration.yaml"))["spec"]!;

        Assert.Equal(RunFile.Apps.Select(app => app.AppId + ".yaml").Order(), Directory.GetFiles(Path.Combine(Repository, "components", "access-control")).Select(Path.GetFileName).Order());
        foreach (var app in RunFile.Apps)
        {
            var here = Yaml.File(ServiceSettings.AccessControlOf(app));
            var there = chart.One("Configuration", "mesh-" + app.AppId).Spec.DeepClone().AsObject();
            Assert.Equal(["accessControl"], here["spec"]!.AsObject().Select(block => block.Key));
            Assert.True(
                JsonNode.DeepEquals(here["spec"]!["accessControl"], there["accessControl"]),
                $"components/access-control/{app.AppId}.yaml is not what the chart says:\n{here["spec"]!["accessControl"]!.ToJsonString()}\n{there["accessControl"]!.ToJsonString()}");
            there.Remove("accessControl");
            Assert.True(JsonNode.DeepEquals(common, there), $"{common.ToJsonString()}\n{there.ToJsonString()}");
        }
    }

    [Fact]
    public async Task Nothing_retries_or_breaks_the_circuit_of_a_claim()
    {
        var chart = await Resources.RenderAsync(full: true);

        Assert.All(
            chart.Of("Resiliency").Concat(SelfHosted.Where(resource => resource.Kind == "Resiliency")),
            resource => Assert.Null(resource.Spec["targets"]!["components"]?["claims"]));
    }

    [Fact]
    public void A_file_of_components_holds_at_most_one_Resiliency_and_it_stands_first()
    {
        foreach (var file in Directory.GetFiles(Path.Combine(Repository, "components")))
        {
            var kinds = Yaml.Documents(File.ReadAllText(file)).Select(document => document["kind"]!.GetValue<string>()).ToList();
            Assert.True(kinds.LastIndexOf("Resiliency") <= 0, $"{file}: a sidecar reads the first Resiliency of a file, and only as its first document");
        }
    }

    [Fact]
    public async Task Every_broker_has_the_settings_that_were_measured()
    {
        var (kafka, rabbit, redis) = ((await Resources.RenderAsync()).One("Component", "pubsub").Settings,
            (await Resources.RenderAsync("rabbitmq")).One("Component", "pubsub").Settings, (await Resources.RenderAsync("redis")).One("Component", "pubsub").Settings);

        Assert.Equal("oldest", kafka["initialOffset"]);
        Assert.Equal("true", kafka["consumeRetryEnabled"]);
        Assert.Equal(
            ("true", "false", "2", "true", "250"),
            (rabbit["durable"], rabbit["deletedWhenUnused"], rabbit["deliveryMode"], rabbit["publisherConfirm"], rabbit["prefetchCount"]));
        Assert.Equal(("400", "1000"), (redis["concurrency"], redis["queueDepth"]));
        Assert.Contains("maxLenApprox", redis.Keys);
    }

    [Fact]
    public async Task The_run_file_gives_a_service_what_the_chart_gives_it()
    {
        var chart = await Resources.RenderAsync();

        foreach (var app in RunFile.Apps)
        {
            var deployment = chart.One("Deployment", "mesh-" + app.AppId);
            var annotations = deployment.Spec["template"]!["metadata"]!["annotations"]!;
            var environment = deployment.Pod!["containers"]![0]!["env"]!.AsArray().Select(entry => entry!["name"]!.GetValue<string>()).ToHashSet();
            Assert.Equal(app.AppId, annotations["dapr.io/app-id"]!.GetValue<string>());
            Assert.Equal(app.AppProtocol, annotations["dapr.io/app-protocol"]!.GetValue<string>());
            Assert.Equal(app.MaxBodySize, annotations["dapr.io/max-body-size"]!.GetValue<string>());
            // Senders are a file in the chart, and single settings in the run file.
            Assert.All(
                app.Environment.Keys.Where(name => !name.StartsWith("Edge__Sources__", StringComparison.Ordinal) && name != "DOTNET_ENVIRONMENT" && !name.StartsWith("Edge__ApiKeys__", StringComparison.Ordinal)),
                name => Assert.Contains(name, environment));
        }
    }

    [Theory]
    [InlineData("services/ingest/IngestOptions.cs", "PubSub { get; init; } = \"pubsub\"")]
    [InlineData("services/ingest/IngestOptions.cs", "Topic { get; init; } = \"whatsapp.events\"")]
    [InlineData("libs/Deliveries/DeliveriesOptions.cs", "LakeAppId { get; set; } = \"ingest\"")]
    [InlineData("services/edge/Operator/OperatorOptions.cs", "Lake { get; init; } = \"ingest\"")]
    [InlineData("services/edge/Operator/OperatorOptions.cs", "Membership { get; init; } = \"membership\"")]
    [InlineData("services/edge/Operator/OperatorOptions.cs", "Dispatch { get; init; } = \"dispatch\"")]
    [InlineData("services/dispatch/Claims/ClaimOptions.cs", "Store { get; set; } = \"claims\"")]
    [InlineData("services/dispatch/Sending/SendingOptions.cs", "Endpoint { get; set; } = \"whatsapp-broker\"")]
    [InlineData("services/dispatch/Sending/SendingOptions.cs", "OnceEndpoint { get; set; } = \"whatsapp-broker-once\"")]
    [InlineData("services/dispatch/Sending/SendingOptions.cs", "SecretStore { get; set; } = \"secrets\"")]
    [InlineData("services/dispatch/Sending/SendingOptions.cs", "MembershipAppId { get; set; } = \"membership\"")]
    public async Task The_code_s_defaults_are_the_names_that_the_resources_have(string file, string declaration)
    {
        Assert.Contains(declaration, await File.ReadAllTextAsync(Path.Combine(Repository, file)), StringComparison.Ordinal);
        var name = declaration.Split('"')[1];
        var chart = await Resources.RenderAsync(full: true);
        Assert.Contains(name, chart.All.Select(resource => resource.Name).Concat(RunFile.Apps.Select(app => app.AppId)).Append(Topic(chart)));
    }

    [Fact]
    public async Task Every_route_of_a_subscription_is_one_that_the_consumers_map()
    {
        var code = string.Join('\n', Directory.GetFiles(Path.Combine(Repository, "libs", "Deliveries"), "*.cs", SearchOption.AllDirectories).Select(File.ReadAllText));

        Assert.All((await Resources.RenderAsync()).Of("Subscription"), subscription =>
        {
            var route = subscription.Spec["routes"]!["default"]!.GetValue<string>();
            var last = route.Replace("/events", "", StringComparison.Ordinal);
            Assert.Contains("MapGroup(\"/events\")", code, StringComparison.Ordinal);
            Assert.Contains($"MapPost(\"{last}\"", code, StringComparison.Ordinal);
        });
    }

    private static string Topic(Resources chart) => chart.One("Subscription", "membership-events").Spec["topic"]!.GetValue<string>();

    private static IEnumerable<string> Named(IEnumerable<Resource> resources) => resources
        .Where(resource => resource.Kind != "Configuration").Select(resource => resource.ToString()).Order(StringComparer.Ordinal);

    private static SortedDictionary<string, string> WithoutConnections(Resource component) =>
        new(component.Settings.Where(setting => !Connections.Contains(setting.Key)).ToDictionary(), StringComparer.Ordinal);
}
