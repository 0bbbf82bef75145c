using System.Net;
using System.Text.RegularExpressions;
using WhatsAppMesh.Collector;
using WhatsAppMesh.Mesh.Running;

namespace WhatsAppMesh.EndToEnd;

/// <summary>What dashboards and alerts count on is what the services really say, scraped from a running mesh.</summary>
[Collection(MeshCollection.Name)]
public sealed partial class ObservabilityTests(MeshUnderTest test)
{
    private static readonly string Repository = MeshRepository.Find();
    private static readonly string Observability = Path.Combine(Repository, "charts", "whatsapp-mesh", "observability");

    [Fact]
    public async Task Every_metric_of_a_rule_is_scraped()
    {
        await TrafficAsync();
        var used = Used("alerts.yaml");

        Assert.NotEmpty(used);
        Assert.Empty(await MissingAsync(used));
    }

    /// <summary>A counter of something rare has no sample before it happens, and no rate either: then the code must have it.</summary>
    [Fact]
    public async Task Every_metric_of_a_panel_is_scraped_or_counts_something_that_has_not_happened_yet()
    {
        await TrafficAsync();
        var code = string.Join('\n', ((string[])["services", "libs"]).SelectMany(folder => Directory.GetFiles(Path.Combine(Repository, folder), "*Metrics.cs", SearchOption.AllDirectories)).Select(File.ReadAllText));

        Assert.All(await MissingAsync(Used("dashboard.json")), name => Assert.Contains(Declared(code), counter => Same(counter, name)));
    }

    private static IEnumerable<string> Declared(string code) => CounterNames().Matches(code).Select(counter => counter.Groups[1].Value);

    private async Task TrafficAsync()
    {
        var tenant = test.NewTenant();
        await tenant.PostAsync(GroupEvents.Snapshot($"12036300000090{tenant.Name.Length:D4}@g.us", "metrics", [new GroupMember("999000000900001@lid", "5500900900001@s.whatsapp.net")]));
        var forged = tenant.Sign("{}"u8.ToArray(), Guid.NewGuid().ToString(), SigningScheme.V2);
        using var refused = await tenant.SendAsync(forged with { Body = "{ }"u8.ToArray() });
        Assert.Equal(HttpStatusCode.Unauthorized, refused.StatusCode);
        await tenant.SettledAsync();
    }

    private async Task<IReadOnlyList<string>> MissingAsync(IReadOnlyCollection<string> used) =>
        await Eventually.AskAsync<IReadOnlyList<string>>(
            async () =>
            {
                var scraped = await ScrapeAsync();
                return [.. used.Where(name => !scraped.Contains(name))];
            },
            missing => missing.Count == 0,
            MeshUnderTest.Patience) ?? [.. used];

    private async Task<HashSet<string>> ScrapeAsync()
    {
        using var client = new HttpClient();
        var pages = await Task.WhenAll(test.Mesh.Services.Select(service => client.GetStringAsync(new Uri(service.HttpAddress, "/metrics"))));
        return [.. pages.SelectMany(page => page.Split('\n')).Where(line => line.Length > 0 && line[0] != '#').Select(line => line.Split('{', ' ')[0])];
    }

    private static HashSet<string> Used(string file) =>
        [.. Expressions().Matches(File.ReadAllText(Path.Combine(Observability, file))).SelectMany(expression => MetricNames().Matches(expression.Value)).Select(metric => metric.Value)];

    private static bool Same(string counter, string metric) => metric == counter || metric == counter + "_total";

    // The expressions alone: "expr" of a panel, and "expr" of a rule with the lines that are indented below it.
    [GeneratedRegex("""(?:"expr": ".*"|expr:.*(?:\n {10,}.*)*)""")]
    private static partial Regex Expressions();

    [GeneratedRegex(@"\b(?:mesh|jobs)_[a-z_]+")]
    private static partial Regex MetricNames();

    [GeneratedRegex("""CreateCounter<\w+>\(\s*"([^"]+)""")]
    private static partial Regex CounterNames();
}
