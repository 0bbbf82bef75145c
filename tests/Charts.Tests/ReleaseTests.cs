using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using System.Xml.Linq;
using WhatsAppMesh.Charts.Tests.Rendering;
using WhatsAppMesh.Mesh.Running;

namespace WhatsAppMesh.Charts.Tests;

/// <summary>What is released together says the same: version, images, labels, examples, runbooks.</summary>
public sealed partial class ReleaseTests
{
    private static readonly string Repository = MeshRepository.Find();
    private static readonly string Version = Property("Directory.Build.props", "Version");

    [Fact]
    public void Images_and_chart_have_one_version_and_the_changelog_knows_it_or_what_comes_next()
    {
        var chart = Yaml.File(Path.Combine(Renderer.Chart, "Chart.yaml"));

        Assert.Equal(Version, chart["version"]!.GetValue<string>());
        Assert.Equal(Version, chart["appVersion"]!.GetValue<string>());
        var headings = Headings().Matches(Text("CHANGELOG.md")).Select(heading => heading.Groups[1].Value).ToList();
        Assert.True(headings.Contains("Unreleased") || headings.Contains(Version), "CHANGELOG.md has neither 'Unreleased' nor this version");
    }

    [Fact]
    public void An_image_is_chiselled_ready_to_run_labelled_and_not_root_and_its_bases_can_be_pinned()
    {
        var dockerfile = Text("Dockerfile");

        Assert.Contains("noble-chiseled", dockerfile, StringComparison.Ordinal);
        Assert.Contains("PublishReadyToRun=true", dockerfile, StringComparison.Ordinal);
        Assert.Contains("USER $APP_UID", dockerfile, StringComparison.Ordinal);
        Assert.Contains("PGGSSENCMODE=Disable", dockerfile, StringComparison.Ordinal);
        Assert.Contains("org.opencontainers.image.version=\"$VERSION\"", dockerfile, StringComparison.Ordinal);
        Assert.Equal(
            ["FROM --platform=$BUILDPLATFORM ${SDK_IMAGE} AS build", "FROM ${RUNTIME_IMAGE}"],
            dockerfile.Split('\n').Where(line => line.StartsWith("FROM", StringComparison.Ordinal)));
    }

    [Fact]
    public void Every_image_of_the_chart_is_built_by_skaffold_from_a_folder_that_the_build_sees()
    {
        var values = Yaml.File(Path.Combine(Renderer.Chart, "values.yaml"));
        var images = values["services"]!.AsObject().Select(service => service.Value!).Append(values["smokeTest"]!).Select(part => part["image"]!["repository"]!.GetValue<string>());
        var built = Yaml.File(Path.Combine(Repository, "skaffold.yaml"))["build"]!["artifacts"]!.AsArray().ToDictionary(
            artifact => artifact!["image"]!.GetValue<string>(), artifact => artifact!["docker"]!["buildArgs"]!["PROJECT"]!.GetValue<string>());
        var seen = Text(".dockerignore").Split('\n').Where(line => line.StartsWith('!')).Select(line => line[1..]).ToList();

        Assert.Equal(images.Order(StringComparer.Ordinal), built.Keys.Order(StringComparer.Ordinal));
        Assert.All(built.Values, project =>
        {
            Assert.NotEmpty(Directory.GetFiles(Path.Combine(Repository, project), "*.csproj"));
            Assert.True(seen.Exists(path => project == path || project.StartsWith(path + "/", StringComparison.Ordinal)), $".dockerignore hides {project}");
        });
    }

    [Theory]
    [InlineData("deploy/dev.yaml")]
    [InlineData("deploy/prod.yaml")]
    [InlineData("deploy/dev.yaml", "deploy/debug.yaml")]
    public async Task Every_profile_s_values_are_good(params string[] files)
    {
        var resources = await Resources.RenderAsync(more: files.SelectMany(file => (string[])["--values", Path.Combine(Repository, file)]));

        Assert.Empty(resources.All.SelectMany(FieldList.Load().Problems));
        Assert.NotEmpty(resources.Of("Pod"));
    }

    [Fact]
    public async Task The_cluster_on_one_machine_has_every_secret_that_its_release_asks_for()
    {
        var resources = await Resources.RenderAsync(more: ["--values", Path.Combine(Repository, "deploy/dev.yaml")]);
        var secrets = Yaml.Folder(Path.Combine(Repository, "deploy", "dev")).Where(document => document["kind"]!.GetValue<string>() == "Secret")
            .SelectMany(secret => secret["stringData"]!.AsObject().Select(entry => (secret["metadata"]!["name"]!.GetValue<string>(), entry.Key))).ToHashSet();

        var asked = resources.All.SelectMany(resource => References(resource.Document)).Distinct().ToList();
        Assert.NotEmpty(asked);
        Assert.All(asked, reference => Assert.Contains(reference, secrets));
    }

    [Fact]
    public void Every_alert_says_how_it_ends_and_has_a_runbook()
    {
        var runbooks = RunbookHeadings().Matches(Text("docs/kubernetes.md")).Select(heading => "docs/kubernetes.md#" + heading.Groups[1].Value.ToLowerInvariant()).ToHashSet();
        var rules = Yaml.File(Path.Combine(Renderer.Chart, "observability", "alerts.yaml"))["groups"]!.AsArray().SelectMany(group => group!["rules"]!.AsArray()).ToList();

        Assert.NotEmpty(rules);
        Assert.All(rules, rule =>
        {
            Assert.Contains(rule!["annotations"]!["runbook"]!.GetValue<string>(), runbooks);
            Assert.NotEmpty(rule["annotations"]!["recovery"]!.GetValue<string>());
            Assert.Contains(rule["labels"]!["severity"]!.GetValue<string>(), (string[])["warning", "critical"]);
        });
        Assert.Equal(rules.Count, runbooks.Count);
    }

    [Fact]
    public void Every_histogram_has_bounds_of_its_own()
    {
        // The SDK's begin at 0 and 5: of what takes milliseconds they show nothing.
        var histograms = ((string[])["libs", "services"]).SelectMany(folder => Directory.GetFiles(Path.Combine(Repository, folder), "*.cs", SearchOption.AllDirectories))
            .SelectMany(file => Histograms().Matches(File.ReadAllText(file))).Select(match => match.Value).ToList();

        Assert.True(histograms.Count >= 6);
        Assert.All(histograms, histogram => Assert.Contains("advice:", histogram, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("alerts.yaml")]
    [InlineData("dashboard.json")]
    public void What_stands_in_deploy_is_what_the_chart_has(string file) =>
        Assert.Equal(File.ReadAllText(Path.Combine(Renderer.Chart, "observability", file)), Text(Path.Combine("deploy", "observability", file)));

    private static IEnumerable<(string Secret, string Key)> References(JsonNode? node) => node switch
    {
        JsonObject map when map["secretKeyRef"] is { } reference => [(reference["name"]!.GetValue<string>(), reference["key"]!.GetValue<string>())],
        JsonObject map => map.SelectMany(entry => References(entry.Value)),
        JsonArray list => list.SelectMany(References),
        _ => [],
    };

    private static string Text(string file) => File.ReadAllText(Path.Combine(Repository, file));

    private static string Property(string file, string name) => XDocument.Load(Path.Combine(Repository, file)).Descendants(name).Single().Value;

    [GeneratedRegex(@"CreateHistogram\b[^;]*;")]
    private static partial Regex Histograms();

    [GeneratedRegex(@"^## \[(.+?)\]", RegexOptions.Multiline)]
    private static partial Regex Headings();

    [GeneratedRegex("^### (Mesh.+)$", RegexOptions.Multiline)]
    private static partial Regex RunbookHeadings();
}
