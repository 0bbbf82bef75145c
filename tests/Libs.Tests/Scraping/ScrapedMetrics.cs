using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using WhatsAppMesh.Hosting;

namespace WhatsAppMesh.Libs.Tests.Scraping;

/// <summary>What a scraper gets from /metrics of a service that has counted, measured and timed each thing it knows once.</summary>
internal static class ScrapedMetrics
{
    /// <summary>
    /// Scrapes as Prometheus does, which would take OpenMetrics too, and tells each metric of a prefix in a line: name, type, labels and, of a
    /// histogram, bounds.
    /// </summary>
    /// <param name="register">Registers the classes that count.</param>
    /// <param name="count">Calls each of their methods.</param>
    public static async Task<IReadOnlyList<string>> OfAsync(Action<IServiceCollection> register, Action<IServiceProvider> count)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Configuration.AddInMemoryCollection(new Dictionary<string, string?> { ["APP_PORT"] = "0", ["HTTP_PORT"] = "0" });
        builder.AddMeshHosting("test");
        register(builder.Services);
        await using var app = builder.Build();
        app.MapMeshEndpoints();
        await app.StartAsync();
        count(app.Services);

        using var client = new HttpClient();
        client.DefaultRequestHeaders.TryAddWithoutValidation(
            "Accept", "application/openmetrics-text;version=1.0.0;q=0.5,application/openmetrics-text;version=0.0.1;q=0.4,text/plain;q=0.3");
        return Read(await client.GetStringAsync(new Uri(app.BoundAddresses().Http, "/metrics")));
    }

    /// <summary>Metrics of a page, sorted: those that are the product's own.</summary>
    public static IReadOnlyList<string> Read(string page)
    {
        var types = new Dictionary<string, string>();
        var labels = new Dictionary<string, SortedSet<string>>();
        var bounds = new Dictionary<string, List<string>>();
        foreach (var line in page.Split('\n'))
        {
            if (line.StartsWith("# TYPE ", StringComparison.Ordinal))
                types[line.Split(' ')[2]] = line.Split(' ')[3];
            else if (line.Length > 0 && line[0] != '#')
                Sample(line, types, labels, bounds);
        }

        return [.. types.Where(static type => type.Key.Split('_')[0] is "mesh" or "jobs")
            .Select(type => $"{type.Key} {type.Value}{In('{', labels, type.Key, '}')}{In('[', bounds, type.Key, ']')}")
            .Order(StringComparer.Ordinal)];
    }

    private static void Sample(
        string line, Dictionary<string, string> types, Dictionary<string, SortedSet<string>> labels, Dictionary<string, List<string>> bounds)
    {
        var (open, close) = (line.IndexOf('{', StringComparison.Ordinal), line.LastIndexOf('}'));
        var name = line[..(open >= 0 ? open : line.IndexOf(' ', StringComparison.Ordinal))];
        var metric = types.ContainsKey(name) ? name : name[..name.LastIndexOf('_')];
        var all = labels.TryGetValue(metric, out var known) ? known : labels[metric] = new(StringComparer.Ordinal);
        foreach (var pair in open < 0 ? [] : line[(open + 1)..close].Split("\",", StringSplitOptions.RemoveEmptyEntries))
        {
            var (key, value) = (pair.Split('=')[0], pair[(pair.IndexOf('"', StringComparison.Ordinal) + 1)..].TrimEnd('"'));
            if (key != "le")
                all.Add(key);
            else if (bounds.TryGetValue(metric, out var list) ? !list.Contains(value) : (bounds[metric] = list = []) is not null)
                list.Add(value);
        }
    }

    private static string In<T>(char open, Dictionary<string, T> found, string name, char close) where T : IEnumerable<string> =>
        found.TryGetValue(name, out var values) && values.Any() ? $" {open}{string.Join(',', values)}{close}" : "";
}
