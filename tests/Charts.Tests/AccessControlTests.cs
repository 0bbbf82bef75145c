using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using WhatsAppMesh.Charts.Tests.Protos;
using WhatsAppMesh.Charts.Tests.Rendering;
using WhatsAppMesh.Mesh.Running;

namespace WhatsAppMesh.Charts.Tests;

/// <summary>What the rendered access control lets through, asked in the way in which a sidecar asks.</summary>
public sealed partial class AccessControlTests
{
    private static readonly string[] Services = ["edge", "ingest", "membership", "dispatch"];
    private static readonly JsonNode Map = Yaml.File(Path.Combine(Renderer.Chart, "map.yaml"))["services"]!;
    private static readonly List<string> Methods = [.. Descriptors.Services.SelectMany(service => service.Methods).Select(method => $"/{method.Service.FullName}/{method.Name}")];

    [Fact]
    public async Task A_caller_may_call_exactly_the_gRPC_methods_that_the_map_allows()
    {
        var resources = await Resources.RenderAsync();

        var pairs = Services.SelectMany(callee => Services.Select(caller => (callee, caller))).ToList();
        var allowed = pairs.SelectMany(pair => Methods.Where(method => PolicyOf(resources, pair.callee, pair.caller)?.AllowsGrpc(method) == true).Select(method => (pair.callee, pair.caller, method)));
        var wanted = pairs.SelectMany(pair => Methods.Where(method => IsAllowedByMap(pair.callee, pair.caller, method)).Select(method => (pair.callee, pair.caller, method))).ToList();

        Assert.NotEmpty(wanted);
        Assert.Equal(wanted.Order(), allowed.Order());
    }

    [Theory]
    [InlineData("ingest", "edge", "/v1/events", true)]
    [InlineData("ingest", "edge", "/v2/events", true)]
    [InlineData("ingest", "edge", "/leads/42/events", true)]
    [InlineData("ingest", "edge", "/triggers/Deal-Won/events", true)]
    [InlineData("ingest", "edge", "/broker/events", true)]
    [InlineData("ingest", "edge", "/waha/events", true)]
    [InlineData("ingest", "edge", "/evolution/events", true)]
    [InlineData("ingest", "edge", "/evolution/events/messages-upsert", true)]
    [InlineData("ingest", "edge", "/v1/other", false)]
    [InlineData("ingest", "edge", "/metrics", false)]
    [InlineData("ingest", "edge", "/events", false)]
    [InlineData("ingest", "membership", "/v1/events", false)]
    [InlineData("dispatch", "edge", "/api/automations/1/runs", true)]
    [InlineData("dispatch", "edge", "/events/replay", false)]
    [InlineData("membership", "membership", "/dead-letters/replay", true)]
    [InlineData("membership", "dispatch", "/dead-letters/replay", false)]
    [InlineData("membership", "edge", "/events", false)]
    public async Task A_caller_may_call_the_paths_that_the_map_allows(string callee, string caller, string path, bool allowed) =>
        Assert.Equal(allowed, PolicyOf(await Resources.RenderAsync(), callee, caller)!.AllowsHttp(path));

    [Fact]
    public async Task Edge_may_post_to_every_door_of_ingest_through_its_sidecar()
    {
        var policy = PolicyOf(await Resources.RenderAsync(), "ingest", "edge")!;
        var doors = Doors().Matches(await File.ReadAllTextAsync(Path.Combine(MeshRepository.Find(), "services", "ingest", "EventsApi.cs"))).Select(door => door.Groups[1].Value.Replace("{id}", "Deal-1", StringComparison.Ordinal)).ToList();

        Assert.Contains("/leads/Deal-1/events", doors);
        Assert.All(doors, door => Assert.True(policy.AllowsHttp(door), door));
    }

    [Fact]
    public void The_replayed_rules_know_what_made_every_gRPC_call_fail()
    {
        var literal = Policy("/whatsappmesh.ingest.v1.Lake/GetEvent", "/leads/*/events");

        Assert.False(literal.AllowsGrpc("/whatsappmesh.ingest.v1.Lake/GetEvent"));
        Assert.True(literal.AllowsHttp("/whatsappmesh.ingest.v1.Lake/GetEvent"));
        Assert.False(literal.AllowsHttp("/leads/42/events"));
    }

    /// <summary>A name of the map as the chart writes it (ADR 0027).</summary>
    public static string Rendered(string name) => string.Concat(name.Select(static letter => char.IsAsciiLetterUpper(letter) ? '*' : letter));

    [GeneratedRegex("doors\\.MapPost\\(\"([^\"]+)\"")]
    private static partial Regex Doors();

    private static SidecarPolicy Policy(params string[] names) => new(new JsonObject
    {
        ["operations"] = new JsonArray([.. names.Select(name => new JsonObject { ["name"] = name, ["httpVerb"] = new JsonArray("*"), ["action"] = "allow" })]),
    });

    private static SidecarPolicy? PolicyOf(Resources resources, string callee, string caller) =>
        resources.One("Configuration", "mesh-" + callee).Spec["accessControl"]!["policies"]!.AsArray()
            .Where(policy => policy!["appId"]!.GetValue<string>() == caller).Select(policy => new SidecarPolicy(policy!)).SingleOrDefault();

    private static bool IsAllowedByMap(string callee, string caller, string method) =>
        (Map[callee]!["allows"]?[caller]?.AsArray() ?? []).Select(operation => operation!.GetValue<string>())
            .Any(operation => operation == method || (operation.EndsWith("/*", StringComparison.Ordinal) && method.StartsWith(operation[..^1], StringComparison.Ordinal)));
}
