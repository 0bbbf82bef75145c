using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using WhatsAppMesh.Charts.Tests.Rendering;
using WhatsAppMesh.Mesh.Running;

namespace WhatsAppMesh.Charts.Tests;

/// <summary>Whoever types what docs/kubernetes.md says gets a mesh.</summary>
public sealed partial class InstallTests
{
    private static readonly string Repository = MeshRepository.Find();
    private static readonly string Prod = Path.Combine(Repository, "deploy", "prod.yaml");
    private static readonly string Docs = File.ReadAllText(Path.Combine(Repository, "docs", "kubernetes.md")).Replace("\\\n", " ", StringComparison.Ordinal);

    [Fact]
    public async Task Every_secret_of_the_example_is_made_before_the_install()
    {
        var resources = await Resources.RenderAsync(more: ["--values", Prod, "--set", "broker.mode=http,broker.url=https://broker.example.org"]);
        var made = Loops().Replace(Docs, loop => string.Join('\n', loop.Groups[1].Value.Split(' ').Select(name => loop.Groups[2].Value.Replace("$name", name, StringComparison.Ordinal))))
            .Split('\n').Select(line => Secrets().Match(line)).Where(match => match.Success)
            .SelectMany(match => Keys().Matches(match.Groups[2].Value).Select(key => (match.Groups[1].Value, key.Groups[1].Value)).Append((match.Groups[1].Value, ""))).ToHashSet();

        var asked = resources.All.SelectMany(resource => References(resource.Document)).Distinct().ToList();
        Assert.True(asked.Count > 10);
        Assert.All(asked, secret => Assert.Contains(secret, made));
    }

    [Fact]
    public async Task Every_topic_that_somebody_hears_is_made_with_room_for_what_is_sent()
    {
        var loop = TopicLoop().Match(Docs);
        var topics = (await Resources.RenderAsync()).Of("Subscription").SelectMany(subscription => (string?[])[subscription.Spec["topic"]!.GetValue<string>(), subscription.Spec["deadLetterTopic"]?.GetValue<string>()])
            .OfType<string>().Distinct().Order(StringComparer.Ordinal);

        Assert.Equal(topics, loop.Groups[1].Value.Split(' ').SelectMany(Braces).Order(StringComparer.Ordinal));
        Assert.Contains($"max.message.bytes={(await Resources.RenderAsync()).One("Component", "pubsub").Settings["maxMessageBytes"]}", Docs, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_example_says_where_images_are_and_lets_large_events_through()
    {
        var resources = await Resources.RenderAsync(more: ["--values", Prod]);

        Assert.DoesNotContain("image.registry", await Renderer.NotesAsync("--values", Prod), StringComparison.Ordinal);
        Assert.Equal("104m", resources.Of("Ingress").Single().Document["metadata"]!["annotations"]!["nginx.ingress.kubernetes.io/proxy-body-size"]!.GetValue<string>());
    }

    [Fact]
    public void A_release_is_built_from_bases_that_somebody_pinned()
    {
        var skaffold = Yaml.File(Path.Combine(Repository, "skaffold.yaml"));
        var prod = skaffold["profiles"]!.AsArray().Single(profile => profile!["name"]!.GetValue<string>() == "prod")!["patches"]!.AsArray();
        var patched = prod.ToDictionary(patch => patch!["path"]!.GetValue<string>(), patch => patch!["value"]);

        Assert.All(Enumerable.Range(0, skaffold["build"]!["artifacts"]!.AsArray().Count), index => Assert.All(
            (string[])["SDK_IMAGE", "RUNTIME_IMAGE", "REVISION"],
            name => Assert.Equal($"{{{{ .{name} }}}}", patched[$"/build/artifacts/{index}/docker/buildArgs/{name}"]!.GetValue<string>())));
        // The example's registry in front of skaffold's own would name no image.
        Assert.Equal("", patched["/deploy/helm/releases/0/setValueTemplates"]!["image.registry"]!.GetValue<string>());
    }

    [Fact]
    public void Every_helm_command_has_the_flags_of_the_version_that_it_is_for()
    {
        string[] newer = ["--rollback-on-failure", "--force-conflicts", "--server-side"], older = ["--atomic"];
        var commands = File.ReadAllLines(Path.Combine(Repository, "docs", "kubernetes.md"))
            .Where(static line => line.StartsWith("helm -n whatsapp-mesh upgrade", StringComparison.Ordinal)).ToList();
        var (forNewer, forOlder) = (commands.Where(static command => Has(command, "# helm 4")).ToList(), commands.Where(static command => Has(command, "# helm 3")).ToList());

        Assert.All(commands, command => Assert.Equal(newer.Any(flag => Has(command, flag)), forNewer.Contains(command)));
        Assert.All(commands, command => Assert.Equal(older.Any(flag => Has(command, flag)), forOlder.Contains(command)));
        Assert.Equal(forOlder.Count, forNewer.Count);
        Assert.True(commands.Count >= 10);
    }

    [Theory]
    [InlineData("switching off")]
    [InlineData("stopping")]
    public async Task What_the_page_says_about_replicas_is_what_the_chart_does_with_it(string what)
    {
        var line = Docs.Split('\n').First(command => Has(command, what == "stopping" ? "services.dispatch.replicas=0" : "services.edge.autoscaling.enabled=false"));
        var sets = SetFlags().Matches(line).SelectMany(match => (string[])["--set", match.Groups[1].Value]);
        var notScaled = what == "stopping" ? (string[])["--set", "services.dispatch.autoscaling.enabled=false"] : [];

        var deployment = (await Resources.RenderAsync(more: [.. notScaled, .. sets])).One("Deployment", what == "stopping" ? "mesh-dispatch" : "mesh-edge");
        Assert.Equal(what == "stopping" ? 0 : 3, deployment.Spec["replicas"]!.GetValue<int>());
    }

    private static bool Has(string command, string text) => command.Contains(text, StringComparison.Ordinal);

    private static IEnumerable<(string Secret, string Key)> References(JsonNode? node) => node switch
    {
        JsonObject map when map["secretKeyRef"] is { } reference => [(reference["name"]!.GetValue<string>(), reference["key"]!.GetValue<string>())],
        JsonObject map => map.SelectMany(entry => entry.Key is "secretName" or "dapr.io/api-token-secret" or "dapr.io/app-token-secret"
            ? [(entry.Value!.GetValue<string>(), "")]
            : References(entry.Value)),
        JsonArray list => list.SelectMany(References),
        _ => [],
    };

    // a.{b,c}.d as a shell expands it.
    private static IEnumerable<string> Braces(string text) => Brace().Match(text) is { Success: true } brace
        ? brace.Groups[1].Value.Split(',').SelectMany(one => Braces(text.Remove(brace.Index, brace.Length).Insert(brace.Index, one)))
        : [text];

    [GeneratedRegex("^for name in ([^;]+); do (.+); done$", RegexOptions.Multiline)]
    private static partial Regex Loops();

    [GeneratedRegex(@"--set (\S+)")]
    private static partial Regex SetFlags();

    [GeneratedRegex(@"create secret (?:generic|tls) (\S+)(.*)")]
    private static partial Regex Secrets();

    [GeneratedRegex("--from-literal=([a-z-]+)=")]
    private static partial Regex Keys();

    [GeneratedRegex("^for topic in ([^;]+); do$", RegexOptions.Multiline)]
    private static partial Regex TopicLoop();

    [GeneratedRegex(@"\{([^}]+)\}")]
    private static partial Regex Brace();
}
