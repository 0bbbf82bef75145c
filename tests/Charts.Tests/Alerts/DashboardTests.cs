using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using WhatsAppMesh.Charts.Tests.Rendering;

namespace WhatsAppMesh.Charts.Tests.Alerts;

/// <summary>The expressions of the dashboard, evaluated by Prometheus' own tool.</summary>
public sealed partial class DashboardTests
{
    // Samples every 15 s. What is born then stays as it is: all that a panel of a rate can show of it is the birth.
    private const string Born = "_x39 30x80";
    private const string Flat = "30x120";
    private const string Gap = "30x40 _x60 30x60";

    [Fact]
    public async Task Every_panel_shows_what_its_series_are_born_with()
    {
        var output = await EvaluateAsync(Expressions(), Born, "10m30s", static expression => ($"count(({expression}) > 0) > bool 0", 1));

        Assert.True(output is null, output);
    }

    [Fact]
    public async Task A_panel_of_a_rate_shows_nothing_of_a_counter_that_stands_still_and_no_peak_after_a_gap_in_the_scraping()
    {
        var rates = Expressions()
            .Where(static expression => expression.Contains("rate(", StringComparison.Ordinal) && !expression.Contains("quantile", StringComparison.Ordinal)).ToList();

        Assert.NotEmpty(rates);
        foreach (var (values, at) in ((string, string)[])[(Flat, "20m"), (Gap, "26m"), (Gap, "28m")])
        {
            var output = await EvaluateAsync(rates, values, at, static expression => ($"sum({expression})", 0));
            Assert.True(output is null, output);
        }
    }

    private static IReadOnlyList<string> Expressions() =>
    [
        .. JsonNode.Parse(File.ReadAllText(Path.Combine(Renderer.Chart, "observability", "dashboard.json")))!["panels"]!.AsArray()
            .SelectMany(static panel => panel!["targets"]!.AsArray())
            .Select(static target => target!["expr"]!.GetValue<string>()
                .Replace("$__rate_interval_ms", "60000", StringComparison.Ordinal).Replace("$__rate_interval", "1m", StringComparison.Ordinal)),
    ];

    /// <summary>What promtool finds wrong; null when nothing.</summary>
    private static async Task<string?> EvaluateAsync(IEnumerable<string> expressions, string values, string at, Func<string, (string Expression, int Value)> ask)
    {
        var test = new StringBuilder("tests:\n");
        foreach (var expression in expressions)
        {
            var (asked, value) = ask(expression);
            test.Append("  - interval: 15s\n    input_series:\n");
            foreach (var series in Series(expression))
                test.Append(CultureInfo.InvariantCulture, $"      - {{ series: '{series}', values: '{values}' }}\n");
            test.Append(
                CultureInfo.InvariantCulture,
                $"    promql_expr_test:\n      - {{ expr: '{asked}', eval_time: {at}, exp_samples: [ {{ labels: '{{}}', value: {value} }} ] }}\n");
        }
        using var rules = await AlertRules.WriteAsync();
        var (exitCode, output) = await rules.TestAsync(test.ToString());
        return exitCode == 0 ? null : output;
    }

    /// <summary>A series for each metric of an expression, with the labels that it asks for; of a histogram, two bounds.</summary>
    private static IEnumerable<string> Series(string expression)
    {
        var labels = string.Join(',', Matchers().Matches(expression).Select(static match => match.Value).Distinct());
        return Metrics().Matches(expression).Select(static match => match.Value).Distinct()
            .SelectMany(
                static metric => metric.EndsWith("_bucket", StringComparison.Ordinal) ? (string[])["le=\"1\"", "le=\"+Inf\""] : [""],
                (metric, bound) => $"{metric}{{{string.Join(',', ((string[])[labels, bound]).Where(static part => part.Length > 0))}}}");
    }

    [GeneratedRegex(@"\b(?:mesh|jobs)_[a-z_]+")]
    private static partial Regex Metrics();

    [GeneratedRegex("\\b[a-z]+=\"[^\"]*\"")]
    private static partial Regex Matchers();
}
