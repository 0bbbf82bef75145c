using System.Text.Json.Nodes;
using WhatsAppMesh.Charts.Tests.Rendering;

namespace WhatsAppMesh.Charts.Tests.Alerts;

/// <summary>The alerts as the chart renders them, in a folder where promtool finds them beside a test.</summary>
internal sealed class AlertRules : IDisposable
{
    private const string Rules = "rules.yaml";

    private static readonly Lazy<Task<JsonNode>> Spec = new(RenderAsync);

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("mesh-alerts-");

    private AlertRules()
    {
    }

    /// <summary>Folder of the tests, a file for each alert.</summary>
    public static string Cases { get; } = Path.Combine(Mesh.Running.MeshRepository.Find(), "tests", "Charts.Tests", "Alerts", "Cases");

    /// <summary>Every alert that the chart renders.</summary>
    public static async Task<IReadOnlyList<JsonNode>> AllAsync() =>
        [.. (await Spec.Value)["groups"]!.AsArray().SelectMany(static group => group!["rules"]!.AsArray()).Select(static rule => rule!)];

    /// <summary>Writes the rules into a folder of their own.</summary>
    /// <param name="change">Changes each before; null = as they are.</param>
    public static async Task<AlertRules> WriteAsync(Action<JsonNode>? change = null)
    {
        var spec = (await Spec.Value).DeepClone();
        foreach (var rule in spec["groups"]!.AsArray().SelectMany(static group => group!["rules"]!.AsArray()))
            change?.Invoke(rule!);
        var rules = new AlertRules();
        // JSON is YAML.
        await File.WriteAllTextAsync(Path.Combine(rules._folder.FullName, Rules), spec.ToJsonString());
        return rules;
    }

    /// <summary>Whether promtool takes the rules for well formed.</summary>
    public Task<(int ExitCode, string Output)> CheckAsync() => Promtool.RunAsync(_folder.FullName, "check", "rules", Rules);

    /// <summary>Runs a test: text of a file as <c>promtool test rules</c> reads it, without its <c>rule_files</c>.</summary>
    public async Task<(int ExitCode, string Output)> TestAsync(string test)
    {
        var file = Path.Combine(_folder.FullName, $"{Guid.NewGuid():N}.test.yaml");
        await File.WriteAllTextAsync(file, $"rule_files: [{Rules}]\nevaluation_interval: 15s\n{test}");
        return await Promtool.RunAsync(_folder.FullName, "test", "rules", Path.GetFileName(file));
    }

    /// <inheritdoc/>
    public void Dispose() => _folder.Delete(recursive: true);

    private static async Task<JsonNode> RenderAsync()
    {
        var rendered = await Resources.RenderAsync(full: true, more: ["--set", "telemetry.alerts.enabled=true"]);
        return Assert.Single(rendered.Of("PrometheusRule")).Spec;
    }
}
