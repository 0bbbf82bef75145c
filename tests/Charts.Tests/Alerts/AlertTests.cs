using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using WhatsAppMesh.Charts.Tests.Rendering;

namespace WhatsAppMesh.Charts.Tests.Alerts;

/// <summary>Each alert, run by Prometheus' own tool: what rings, with which words, and beside it what must not.</summary>
public sealed partial class AlertTests
{
    private static readonly string[] Tested =
        [.. Directory.GetFiles(AlertRules.Cases, "*.yaml").Select(static file => Path.GetFileNameWithoutExtension(file)).Order(StringComparer.Ordinal)];

    public static TheoryData<string> Files => [.. Tested];

    [Fact]
    public async Task Prometheus_takes_the_rules_as_the_chart_renders_them()
    {
        using var rules = await AlertRules.WriteAsync();

        var (exitCode, output) = await rules.CheckAsync();

        Assert.True(exitCode == 0, output);
        Assert.Contains($"{(await AlertRules.AllAsync()).Count} rules found", output, StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Files))]
    public async Task An_alert_rings_when_it_should_and_is_silent_otherwise(string alert)
    {
        using var rules = await AlertRules.WriteAsync();

        var (exitCode, output) = await rules.TestAsync(await ReadAsync(alert));

        Assert.True(exitCode == 0, output);
    }

    /// <summary>A test that a dumb or a ringing alert passes too says nothing.</summary>
    [Theory]
    [MemberData(nameof(Files))]
    public async Task The_test_of_an_alert_fails_when_the_alert_never_rings_and_when_it_always_does(string alert)
    {
        foreach (var expression in (string[])["vector(1) > 2", "vector(1)"])
        {
            using var rules = await AlertRules.WriteAsync(rule => rule["expr"] = expression);

            var (exitCode, output) = await rules.TestAsync(await ReadAsync(alert));

            Assert.NotEqual(0, exitCode);
            Assert.Contains("FAILED", output, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Every_alert_has_a_test_with_what_rings_and_what_does_not_and_every_word_it_says()
    {
        var alerts = await AlertRules.AllAsync();

        Assert.Equal(alerts.Select(Name).Order(StringComparer.Ordinal), Tested);
        Assert.All(alerts, alert =>
        {
            var cases = Cases(Name(alert)).ToList();
            Assert.All(cases, test => Assert.NotEmpty(test["name"]!.GetValue<string>()));
            var looks = cases.SelectMany(static test => test["alert_rule_test"]!.AsArray()).ToList();
            Assert.All(looks, look => Assert.Equal(Name(alert), look!["alertname"]!.GetValue<string>()));
            var rung = looks.SelectMany(static look => look!["exp_alerts"] as JsonArray ?? []).ToList();
            Assert.NotEmpty(rung);
            Assert.Contains(cases, static test => test["alert_rule_test"]!.AsArray().All(static look => look!["exp_alerts"] is not JsonArray { Count: > 0 }));
            Assert.All(rung, one => Assert.Equal(
                alert["annotations"]!.AsObject().Select(static text => text.Key), one!["exp_annotations"]!.AsObject().Select(static text => text.Key)));
        });
    }

    [Fact]
    public async Task The_alert_on_refused_senders_counts_every_reason_of_a_missing_proof()
    {
        var code = await File.ReadAllTextAsync(Path.Combine(Mesh.Running.MeshRepository.Find(), "services", "edge", "Refusal.cs"));
        var reasons = Refused401().Matches(code).Select(static match => match.Groups[1].Success ? match.Groups[1].Value : match.Groups[2].Value).Distinct();
        var alert = (await AlertRules.AllAsync()).Single(static alert => Name(alert) == "MeshSignaturesRefused");

        var counted = Reasons().Matches(alert["expr"]!.GetValue<string>()).Select(static match => match.Groups[1].Value).ToList();

        Assert.NotEmpty(counted);
        Assert.All(counted, list => Assert.Equal(reasons.Order(StringComparer.Ordinal), list.Split('|').Order(StringComparer.Ordinal)));
    }

    [Fact]
    public async Task Without_promtool_the_message_names_its_package()
    {
        var refused = await Assert.ThrowsAsync<InvalidOperationException>(() => Promtool.LocateAsync(static _ => null, Path.Combine(Path.GetTempPath(), "no-promtool")));

        Assert.Contains("apt-get install prometheus", refused.Message, StringComparison.Ordinal);
    }

    private static string Name(JsonNode alert) => alert["alert"]!.GetValue<string>();

    private static Task<string> ReadAsync(string alert) => File.ReadAllTextAsync(Path.Combine(AlertRules.Cases, alert + ".yaml"));

    private static IEnumerable<JsonNode> Cases(string alert) =>
        Yaml.File(Path.Combine(AlertRules.Cases, alert + ".yaml"))["tests"]!.AsArray().Select(static test => test!);

    [GeneratedRegex("""(?:WrongProof\("(\w+)"\)|new\(401, [^;]*"(\w+)"\))""")]
    private static partial Regex Refused401();

    [GeneratedRegex("""reason=~"([^"]+)""")]
    private static partial Regex Reasons();
}
