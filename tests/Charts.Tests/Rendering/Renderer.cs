using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using WhatsAppMesh.Mesh.Running;

namespace WhatsAppMesh.Charts.Tests.Rendering;

/// <summary>
/// Renders the chart: with helm where it is installed, else with the small renderer of <c>tests/charts</c>, which is built once and kept
/// under <c>artifacts/</c>. It needs Go and three libraries, as Debian packages them; root installs them when they are missing.
/// </summary>
internal static class Renderer
{
    private const string GoLibraries = "/usr/share/gocode";

    private static readonly string[] Packages =
        ["golang-go", "golang-github-masterminds-sprig-dev", "golang-k8s-sigs-yaml-dev", "golang-k8s-sigs-structured-merge-diff-dev"];

    private static readonly string[] Imports = ["github.com/Masterminds/sprig", "sigs.k8s.io/yaml", "sigs.k8s.io/structured-merge-diff"];
    private static readonly Lazy<Task<string>> Own = new(BuildAsync);

    /// <summary>The chart's folder.</summary>
    public static string Chart { get; } = Path.Combine(MeshRepository.Find(), "charts", "whatsapp-mesh");

    /// <summary>All documents as text, or why there are none.</summary>
    public static Task<(string? Documents, string Errors)> TryRenderAsync(params IEnumerable<string> arguments) =>
        TryRenderAsAsync("mesh", "whatsapp", arguments);

    /// <summary>As <see cref="TryRenderAsync"/>, of a release and in a namespace of any name.</summary>
    public static async Task<(string? Documents, string Errors)> TryRenderAsAsync(string release, string space, params IEnumerable<string> arguments)
    {
        var renderer = Programs.Find("helm") ?? await Own.Value;
        var (exitCode, output, errors) = await Programs.RunAsync(renderer, ["template", release, Chart, "--namespace", space, .. arguments]);
        return (exitCode == 0 ? output : null, errors);
    }

    /// <summary>What the API server sees in documents: a list, with the types that YAML 1.1 gives them.</summary>
    public static async Task<JsonArray> ReadAsKubernetesAsync(string documents) => JsonNode.Parse(await RequireWithInputAsync("json", documents))!.AsArray();

    /// <summary>What server-side apply makes of steps: see <c>tests/charts/ownership.go</c>.</summary>
    public static async Task<JsonArray> OwnershipAsync(JsonArray steps) =>
        JsonNode.Parse(await RequireWithInputAsync("ownership", steps.ToJsonString()))!.AsArray();

    /// <summary>What the operator reads after an install. helm shows it only after talking to a cluster, so this is always our renderer.</summary>
    public static async Task<string> NotesAsync(params IEnumerable<string> arguments) =>
        await Programs.RequireAsync(await Own.Value, ["template", "mesh", Chart, "--namespace", "whatsapp", "--notes", .. arguments]);

    /// <summary>As <see cref="TryRenderAsync"/>, in a cluster: a file of what there is, or <c>forbidden</c>. helm renders without one, so this is always our renderer.</summary>
    public static async Task<(string? Documents, string Errors)> TryRenderInAsync(string cluster, params IEnumerable<string> arguments)
    {
        var (exitCode, output, errors) = await Programs.RunAsync(await Own.Value, ["template", "mesh", Chart, "--namespace", "whatsapp", "--cluster", cluster, .. arguments]);
        return (exitCode == 0 ? output : null, errors);
    }

    private static async Task<string> RequireWithInputAsync(string command, string input)
    {
        var (exitCode, output, errors) = await Programs.RunAsync(await Own.Value, [command], input: input);
        return exitCode == 0 ? output : throw new InvalidOperationException(errors);
    }

    private static async Task<string> BuildAsync()
    {
        var sources = Path.Combine(MeshRepository.Find(), "tests", "charts");
        var cache = Path.Combine(MeshRepository.Find(), "artifacts", "charts");
        var program = Path.Combine(cache, "render-" + await HashAsync(sources));
        if (File.Exists(program))
            return program;

        var go = await FindOrInstallGoAsync();
        var environment = new Dictionary<string, string>
        {
            ["GO111MODULE"] = "off",
            ["GOPATH"] = GoLibraries,
            ["GOCACHE"] = Path.Combine(cache, "go"),
            ["GOFLAGS"] = "",
        };
        // Built beside and moved: a second run of the tests must never meet half a program.
        var half = $"{program}.{Environment.ProcessId}";
        await Programs.RequireAsync(go, ["build", "-o", half, "."], environment, sources);
        File.Move(half, program, overwrite: true);
        return program;
    }

    private static async Task<string> FindOrInstallGoAsync()
    {
        if (Programs.Find("go") is { } found && Imports.All(static import => Directory.Exists(Path.Combine(GoLibraries, "src", import))))
            return found;
        if (Environment.UserName != "root" || Programs.Find("apt-get") is not { } aptGet)
            throw new InvalidOperationException($"The chart's tests need these packages of Debian: apt-get install {string.Join(' ', Packages)}");

        var environment = new Dictionary<string, string> { ["DEBIAN_FRONTEND"] = "noninteractive" };
        await Programs.RequireAsync(aptGet, ["update", "-qq"], environment);
        await Programs.RequireAsync(aptGet, ["install", "-y", "-qq", "--no-install-recommends", .. Packages], environment);
        return Programs.Find("go") ?? throw new InvalidOperationException("golang-go is installed, but there is no program 'go'.");
    }

    private static async Task<string> HashAsync(string folder)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var file in Directory.GetFiles(folder, "*.go").Order(StringComparer.Ordinal))
        {
            hash.AppendData(Encoding.UTF8.GetBytes(Path.GetFileName(file)));
            hash.AppendData(await File.ReadAllBytesAsync(file));
        }
        return Convert.ToHexStringLower(hash.GetHashAndReset())[..16];
    }
}
