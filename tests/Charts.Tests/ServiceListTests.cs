using System.Text.Json.Nodes;
using Google.Protobuf.Reflection;
using WhatsAppMesh.Charts.Tests.Calls;
using WhatsAppMesh.Charts.Tests.Protos;
using WhatsAppMesh.Charts.Tests.Rendering;
using WhatsAppMesh.Mesh.Running;

namespace WhatsAppMesh.Charts.Tests;

/// <summary>Adding a service touches four places: its folder, a proto, a block in the chart, an entry in dapr.yaml. They agree, or these fail.</summary>
public sealed class ServiceListTests
{
    private static readonly string Repository = MeshRepository.Find();
    private static readonly JsonNode Map = Yaml.File(Path.Combine(Renderer.Chart, "map.yaml"))["services"]!;

    [Fact]
    public void Folders_run_file_values_and_map_name_the_same_services()
    {
        var folders = Directory.GetFiles(Path.Combine(Repository, "services"), "*.csproj", SearchOption.AllDirectories)
            .Select(project => Path.GetFileName(Path.GetDirectoryName(project)!)).Order(StringComparer.Ordinal).ToList();
        var values = Yaml.File(Path.Combine(Renderer.Chart, "values.yaml"))["services"]!;

        Assert.Equal(folders, RunFile.Load(Path.Combine(Repository, "dapr.yaml")).Apps.Select(app => app.AppId).Order(StringComparer.Ordinal));
        Assert.Equal(folders, Keys(values));
        Assert.Equal(folders, Keys(Map));
    }

    [Fact]
    public void Every_service_that_others_call_answers_contracts_that_are_written_down() =>
        Assert.All(Allowed().Select(allowed => allowed.Callee).Distinct(), callee => Assert.Contains(
            Descriptors.Services.SelectMany(service => service.Methods).Select(PathOf),
            method => Allowed().Any(allowed => allowed.Callee == callee && Matches(method, allowed.Operation))));

    [Fact]
    public void Whoever_is_named_as_a_caller_is_a_service_and_every_method_named_exists()
    {
        var methods = Descriptors.Services.SelectMany(service => service.Methods).Select(PathOf).ToList();

        foreach (var (callee, caller, operation) in Allowed())
        {
            Assert.Contains(caller, Keys(Map));
            // A service's own contract may be wider than what it has today.
            if (operation.StartsWith("/whatsappmesh.", StringComparison.Ordinal) && !operation.StartsWith($"/whatsappmesh.{callee}.v1.", StringComparison.Ordinal))
                Assert.True(methods.Exists(method => Matches(method, operation)), $"{callee} allows {caller} {operation}, which no proto has");
        }
    }

    [Fact]
    public async Task A_method_of_a_proto_may_be_called_by_somebody_when_a_service_calls_it_and_by_nobody_when_none_does()
    {
        var operations = Allowed().Select(allowed => allowed.Operation).ToList();
        var called = new HashSet<string>();
        foreach (var service in BuiltService.All())
        {
            called.UnionWith(CodeCalls.Of(service).Calls.Select(static call => call.Path));
            await service.DisposeAsync();
        }

        Assert.All(
            Descriptors.Services.SelectMany(service => service.Methods).Select(PathOf),
            method => Assert.True(
                called.Contains(method) == operations.Exists(operation => Matches(method, operation)),
                called.Contains(method) ? $"nobody may call {method}: allow it in map.yaml" : $"no service calls {method}: map.yaml must not allow it"));
    }

    [Fact]
    public async Task A_service_denies_what_the_map_does_not_allow()
    {
        var resources = await Resources.RenderAsync();

        foreach (var name in Keys(Map))
        {
            var access = resources.One("Configuration", "mesh-" + name).Spec["accessControl"]!;
            Assert.Equal("deny", access["defaultAction"]!.GetValue<string>());
            var policies = access["policies"]!.AsArray();
            Assert.All(policies, policy => Assert.Equal(("deny", "whatsapp"), (policy!["defaultAction"]!.GetValue<string>(), policy["namespace"]!.GetValue<string>())));
            Assert.Equal(
                // Capitals are wildcards: AccessControlTests says why, and what they let through.
                Allowed().Where(allowed => allowed.Callee == name).Select(allowed => (allowed.Caller, string.Concat(allowed.Operation.Select(letter => char.IsAsciiLetterUpper(letter) ? '*' : letter)))).Order(),
                policies.SelectMany(policy => policy!["operations"]!.AsArray().Select(one => (policy["appId"]!.GetValue<string>(), one!["name"]!.GetValue<string>()))).Order());
        }
    }

    [Fact]
    public void Only_consumers_append_to_the_lake_and_edge_never_does() =>
        Assert.Equal(
            ["dispatch", "membership"],
            Allowed().Where(allowed => Matches("/whatsappmesh.ingest.v1.Lake/Append", allowed.Operation)).Select(allowed => allowed.Caller).Order(StringComparer.Ordinal));

    private static IEnumerable<(string Callee, string Caller, string Operation)> Allowed() =>
        from callee in Map.AsObject()
        from caller in callee.Value!["allows"]?.AsObject() ?? []
        from operation in caller.Value!.AsArray()
        select (callee.Key, caller.Key, operation!.GetValue<string>());

    private static bool Matches(string method, string operation) => operation.EndsWith("/*", StringComparison.Ordinal)
        ? method.StartsWith(operation[..^1], StringComparison.Ordinal)
        : method == operation;

    private static string PathOf(MethodDescriptor method) => $"/{method.Service.FullName}/{method.Name}";

    private static List<string> Keys(JsonNode map) => [.. map.AsObject().Select(entry => entry.Key).Order(StringComparer.Ordinal)];
}
