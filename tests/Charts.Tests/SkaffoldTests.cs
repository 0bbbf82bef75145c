using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using System.Xml.Linq;
using WhatsAppMesh.Charts.Tests.Rendering;
using WhatsAppMesh.Mesh.Running;

namespace WhatsAppMesh.Charts.Tests;

/// <summary>
/// What skaffold builds, and what it says to helm: <c>--set KEY=VALUE</c> for each of <c>setValueTemplates</c>, then the values' files.
/// </summary>
public sealed partial class SkaffoldTests
{
    private const string Digest = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

    private static readonly string Repository = MeshRepository.Find();
    private static readonly JsonNode Skaffold = Yaml.File(Path.Combine(Repository, "skaffold.yaml"));
    private static readonly JsonArray Built = Skaffold["build"]!["artifacts"]!.AsArray();

    [Theory]
    [InlineData("1234567")]
    [InlineData("0123456")]
    [InlineData("12e4567")]
    [InlineData("abcdef0-dirty")]
    public async Task What_it_says_to_helm_makes_a_release_of_its_own_images_whatever_the_commit(string commit)
    {
        var tag = Skaffold["build"]!["tagPolicy"]!["gitCommit"]!["prefix"]!.GetValue<string>() + commit;
        var release = Skaffold["deploy"]!["helm"]!["releases"]![0]!;

        var images = await ImagesAsync(release["setValueTemplates"]!, release["valuesFiles"]!, tag, "");

        Assert.Equal(Artifacts().Select(image => $"registry.example.org/team/{image}:{tag}").Order(StringComparer.Ordinal), images);
    }

    [Theory]
    [InlineData("prod")]
    [InlineData("debug")]
    public async Task So_does_every_profile(string profile)
    {
        var patches = Skaffold["profiles"]!.AsArray().Single(one => one!["name"]!.GetValue<string>() == profile)!["patches"]!.AsArray()
            .ToDictionary(patch => patch!["path"]!.GetValue<string>(), patch => patch!["value"]);
        var release = Skaffold["deploy"]!["helm"]!["releases"]![0]!;
        var templates = patches.GetValueOrDefault("/deploy/helm/releases/0/setValueTemplates") ?? release["setValueTemplates"]!;

        var images = await ImagesAsync(templates, patches["/deploy/helm/releases/0/valuesFiles"]!, "git-1234567", Digest);

        var version = profile == "prod" ? "@" + Digest : ":git-1234567";
        Assert.Equal(Artifacts().Select(image => $"registry.example.org/team/{image}{version}").Order(StringComparer.Ordinal), images);
    }

    [Fact]
    public void Every_image_is_built_from_files_that_the_build_sees()
    {
        var shown = File.ReadAllLines(Path.Combine(Repository, ".dockerignore")).Where(static line => line.StartsWith('!'));
        var seen = shown.Select(static line => line[1..]).ToList();
        var projects = Built.Select(static artifact => artifact!["docker"]!["buildArgs"]!["PROJECT"]!.GetValue<string>())
            .SelectMany(static folder => Directory.GetFiles(Path.Combine(Repository, folder), "*.csproj")).ToList();
        var needed = Closure(projects);

        Assert.True(needed.Count > projects.Count);
        Assert.All(needed.Select(file => Path.GetRelativePath(Repository, file).Replace('\\', '/')), file => Assert.True(
            seen.Exists(path => file == path || file.StartsWith(path + "/", StringComparison.Ordinal)), $".dockerignore hides {file}"));
        // A restore in locked mode needs the lock file of each.
        Assert.All(
            needed.Where(static file => file.EndsWith(".csproj", StringComparison.Ordinal)),
            static project => Assert.True(File.Exists(Path.Combine(Path.GetDirectoryName(project)!, "packages.lock.json")), project));
    }

    [Fact]
    public void Every_image_says_what_it_is_built_from_with_which_version()
    {
        var dockerfile = File.ReadAllText(Path.Combine(Repository, "Dockerfile"));
        var arguments = DockerArguments().Matches(dockerfile).Select(static match => match.Groups[1].Value).ToHashSet();

        Assert.All(Built, artifact =>
        {
            var docker = artifact!["docker"]!;
            Assert.True(File.Exists(Path.Combine(Repository, docker["dockerfile"]!.GetValue<string>())));
            var given = docker["buildArgs"]!.AsObject().Select(static argument => argument.Key).ToHashSet();
            Assert.Superset(new HashSet<string> { "PROJECT", "VERSION" }, given);
            Assert.Subset(arguments, given);
        });
    }

    private static async Task<IEnumerable<string>> ImagesAsync(JsonNode templates, JsonNode files, string tag, string digest)
    {
        var sets = templates.AsObject().OrderBy(static entry => entry.Key, StringComparer.Ordinal)
            .SelectMany(entry => (string[])["--set", $"{entry.Key}={Expanded(entry.Value!.GetValue<string>(), tag, digest)}"]);
        var values = files.AsArray().SelectMany(file => (string[])["--values", Path.Combine(Repository, file!.GetValue<string>())]);
        var resources = await Resources.RenderAsync(more: [.. sets, .. values]);

        Assert.Empty(resources.All.SelectMany(FieldList.Load().Problems));
        return resources.All.Where(resource => resource.Pod is not null).SelectMany(resource => resource.Pod!["containers"]!.AsArray())
            .Select(container => container!["image"]!.GetValue<string>()).Distinct().Order(StringComparer.Ordinal);
    }

    // As skaffold names what it built: IMAGE_REPO_whatsapp_mesh_edge and the like.
    private static string Expanded(string template, string tag, string digest) => Template().Replace(template, match =>
    {
        var image = Artifacts().Single(artifact => Unfit().Replace(artifact, "_") == match.Groups[2].Value);
        return match.Groups[1].Value switch { "REPO" => $"registry.example.org/team/{image}", "TAG" => tag, _ => digest };
    });

    private static IEnumerable<string> Artifacts() => Built.Select(static artifact => artifact!["image"]!.GetValue<string>());

    // A project, what it references, and the files of MSBuild above them.
    private static HashSet<string> Closure(IEnumerable<string> projects)
    {
        var found = new HashSet<string>(StringComparer.Ordinal);
        var open = new Stack<string>(projects);
        while (open.TryPop(out var project))
        {
            if (!found.Add(project))
                continue;
            var folder = Path.GetDirectoryName(project)!;
            foreach (var reference in XDocument.Load(project).Descendants("ProjectReference").Select(element => element.Attribute("Include")!.Value))
                open.Push(Path.GetFullPath(Path.Combine(folder, reference.Replace('\\', '/'))));
            for (var above = folder; above.Length >= Repository.Length; above = Path.GetDirectoryName(above)!)
                found.UnionWith(Directory.GetFiles(above, "Directory.*").Concat(Directory.GetFiles(above, "global.json")));
        }
        return found;
    }

    [GeneratedRegex(@"\{\{ \.IMAGE_(REPO|TAG|DIGEST)_(\w+) \}\}")]
    private static partial Regex Template();

    [GeneratedRegex("[^A-Za-z0-9]")]
    private static partial Regex Unfit();

    [GeneratedRegex(@"^ARG (\w+)", RegexOptions.Multiline)]
    private static partial Regex DockerArguments();
}
