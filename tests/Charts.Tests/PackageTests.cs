using System.Text.RegularExpressions;
using System.Xml.Linq;
using WhatsAppMesh.Mesh.Running;

namespace WhatsAppMesh.Charts.Tests;

/// <summary>Packages: one list of versions, no reference that nobody uses, nothing restored that is not locked.</summary>
public sealed class PackageTests
{
    private static readonly string Repository = MeshRepository.Find();

    // What in a project's own sources shows that it uses a package: a namespace or a method that only this package gives, or an item of the
    // project file.
    private static readonly Dictionary<string, string> Signs = new()
    {
        ["Dapr.AspNetCore"] = @"\.AddDaprClient\(",
        ["Dapr.Client"] = @"using Dapr\.Client;",
        ["Dapr.Protos"] = @"Dapr\.Client\.Autogen\.Grpc",
        ["FsCheck"] = @"using FsCheck",
        ["Google.Protobuf"] = @"Google\.Protobuf",
        ["Grpc.AspNetCore"] = @"\.AddGrpc\(|\.AddGrpcClient<|MapGrpcService|using Grpc\.",
        ["Grpc.Core.Api"] = @"<Protobuf |using Grpc\.Core",
        ["Grpc.Net.Client"] = @"using Grpc\.Net\.Client;|GrpcChannel\.",
        ["Grpc.Tools"] = @"<Protobuf ",
        ["Microsoft.EntityFrameworkCore"] = @"using Microsoft\.EntityFrameworkCore",
        ["Microsoft.EntityFrameworkCore.Relational"] = @"using Microsoft\.EntityFrameworkCore\.Migrations|\.Database\.Migrate|MigrationBuilder",
        ["Microsoft.NET.Test.Sdk"] = @"\[(Fact|Theory)",
        ["Npgsql"] = @"using Npgsql",
        ["Npgsql.EntityFrameworkCore.PostgreSQL"] = @"\.UseNpgsql\(",
        ["OpenTelemetry.Exporter.OpenTelemetryProtocol"] = @"AddOtlpExporter",
        ["OpenTelemetry.Exporter.Prometheus.AspNetCore"] = @"AddPrometheusExporter",
        ["OpenTelemetry.Extensions.Hosting"] = @"AddOpenTelemetry\(",
        ["OpenTelemetry.Instrumentation.AspNetCore"] = @"AddAspNetCoreInstrumentation",
        ["OpenTelemetry.Instrumentation.Http"] = @"AddHttpClientInstrumentation",
        ["OpenTelemetry.Instrumentation.Runtime"] = @"AddRuntimeInstrumentation",
        ["Spectre.Console"] = @"using Spectre\.Console",
        ["System.CommandLine"] = @"using System\.CommandLine",
        ["xunit"] = @"\[(Fact|Theory)",
        ["xunit.runner.visualstudio"] = @"\[(Fact|Theory)",
        ["YamlDotNet"] = @"using YamlDotNet",
        ["Yarp.ReverseProxy"] = @"using Yarp\.",
    };

    // FsCheck is written in F#: named, so that its version is ours to choose.
    private static readonly Dictionary<string, string> ComesWith = new() { ["FSharp.Core"] = "FsCheck" };

    private static readonly string[] Projects =
    [
        .. Directory.EnumerateFiles(Repository, "*.csproj", SearchOption.AllDirectories)
            .Where(static path => !Path.GetRelativePath(Repository, path).Split('/').Any(IsBuilt)),
    ];

    [Fact]
    public void No_project_references_a_package_that_nobody_uses()
    {
        var unused = new List<string>();
        foreach (var project in Projects)
        {
            var text = SourcesOf(project);
            foreach (var package in References(project))
            {
                if (ComesWith.TryGetValue(package, out var owner) ? References(project).Contains(owner) : Regex.IsMatch(text, Sign(package)))
                    continue;
                unused.Add($"{Path.GetFileName(project)}: {package}");
            }
        }

        Assert.Empty(unused);
        Assert.NotEmpty(Projects);
    }

    [Fact]
    public void Every_version_in_the_list_is_used_and_there_is_no_other_list()
    {
        var used = Projects.SelectMany(References).Concat(References(Path.Combine(Repository, "tests", "Directory.Build.props"))).ToHashSet();

        Assert.Equal(Listed().Order(StringComparer.Ordinal), used.Order(StringComparer.Ordinal));
        Assert.Equal(Listed().Distinct().Count(), Listed().Count());
        Assert.All(
            Projects.SelectMany(static project => XDocument.Load(project).Descendants("PackageReference")),
            static reference => Assert.Null(reference.Attribute("Version") ?? reference.Attribute("VersionOverride")));
    }

    [Fact]
    public void A_reference_to_a_package_without_a_use_is_found()
    {
        Assert.DoesNotMatch(Sign("Dapr.AspNetCore"), "services.AddGrpc();");
        Assert.Throws<KeyNotFoundException>(static () => Sign("Unknown.Package"));
    }

    [Fact]
    public void Every_project_has_a_lock_file_that_names_what_it_references_in_the_listed_version()
    {
        var versions = XDocument.Load(Path.Combine(Repository, "Directory.Packages.props")).Descendants("PackageVersion")
            .ToDictionary(static package => package.Attribute("Include")!.Value, static package => package.Attribute("Version")!.Value);
        foreach (var project in Projects)
        {
            var locked = File.ReadAllText(Path.Combine(Path.GetDirectoryName(project)!, "packages.lock.json"));
            foreach (var package in References(project))
            {
                var requested = $"\\[{Regex.Escape(versions[package])}, \\)";
                Assert.Matches($"\"{Regex.Escape(package)}\": {{\\s*\"type\": \"Direct\",\\s*\"requested\": \"{requested}\"", locked);
            }
        }
    }

    [Fact]
    public void Servers_and_images_restore_what_is_locked_and_nothing_else()
    {
        Assert.Contains("RestoreLockedMode=true", File.ReadAllText(Path.Combine(Repository, "Dockerfile")), StringComparison.Ordinal);
        Assert.Contains("RestoreLockedMode=true", File.ReadAllText(Path.Combine(Repository, ".ci", "run")), StringComparison.Ordinal);
        var build = XDocument.Load(Path.Combine(Repository, "Directory.Build.props"));
        Assert.Equal(("true", "all"), (build.Descendants("NuGetAudit").Single().Value, build.Descendants("NuGetAuditMode").Single().Value));
    }

    private static string Sign(string package) => Signs.TryGetValue(package, out var sign)
        ? sign
        : throw new KeyNotFoundException($"Say in {nameof(PackageTests)} what shows that {package} is used.");

    private static IEnumerable<string> Listed() => XDocument.Load(Path.Combine(Repository, "Directory.Packages.props")).Descendants("PackageVersion")
        .Select(static package => package.Attribute("Include")!.Value);

    private static List<string> References(string project) =>
        [.. XDocument.Load(project).Descendants("PackageReference").SelectMany(static reference => reference.Attribute("Include")!.Value.Split(';'))];

    private static bool IsBuilt(string folder) => folder is "artifacts" or ".mesh" or "bin" or "obj";

    // The project file and the sources beside it.
    private static string SourcesOf(string project)
    {
        var folder = Path.GetDirectoryName(project)!;
        return string.Join('\n', Directory.EnumerateFiles(folder, "*.cs", SearchOption.AllDirectories)
            .Where(path => !Path.GetRelativePath(folder, path).Split('/').Any(IsBuilt))
            .Prepend(project).Select(File.ReadAllText));
    }
}
