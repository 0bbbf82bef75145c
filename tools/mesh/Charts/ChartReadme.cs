using System.Globalization;
using System.Text;
using WhatsAppMesh.Mesh.Running;

namespace WhatsAppMesh.Mesh.Charts;

/// <summary>README.md of the chart: a table of every value, made of <c>values.yaml</c> so that the two never differ.</summary>
public static class ChartReadme
{
    private const string Services = "services.";

    private const string Head =
        """
        # whatsapp-mesh

        Chart of WhatsAppMesh. How to install, upgrade, scale and repair: [docs/kubernetes.md](../../docs/kubernetes.md).

        This page is made of `values.yaml` by `./mesh chart-docs`; change that, not this. `values.schema.json` refuses what is not listed here, and
        what could not work.

        ## Values

        | Key | Type | Default | Description |
        |---|---|---|---|

        """;

    /// <summary>Where the chart's folder is in a repository.</summary>
    public static string FolderIn(string repository) => Path.Combine(repository, "charts", "whatsapp-mesh");

    /// <summary>The page for a text of <c>values.yaml</c>.</summary>
    /// <exception cref="MeshException">A value has no description; the message names each.</exception>
    public static string Write(string values)
    {
        var all = WithServices(ChartValue.Read(values));
        var silent = all.Where(static value => value.Description.Length == 0).Select(static value => value.Path).ToList();
        if (silent.Count > 0)
            throw new MeshException($"values.yaml says nothing about {string.Join(", ", silent)}: give each a comment that begins with '# --'.");

        var page = new StringBuilder(Head.ReplaceLineEndings("\n"));
        foreach (var value in all)
            page.Append(CultureInfo.InvariantCulture, $"| {value.Path} | {value.Type} | `{Cell(value.Default)}` | {Cell(value.Description)} |\n");
        return page.ToString();
    }

    // The services have the same keys; what they mean stands at the first one.
    private static List<ChartValue> WithServices(IReadOnlyList<ChartValue> all)
    {
        var known = new Dictionary<string, string>(StringComparer.Ordinal);
        return [.. all.Select(value => IsOfService(value) ? value with { Description = Remembered(known, value) } : value)];
    }

    private static bool IsOfService(ChartValue value) => value.Path.StartsWith(Services, StringComparison.Ordinal);

    private static string Remembered(Dictionary<string, string> known, ChartValue value)
    {
        var key = value.Path[(value.Path.IndexOf('.', Services.Length) + 1)..];
        if (value.Description.Length > 0)
            known.TryAdd(key, value.Description);
        return value.Description.Length > 0 ? value.Description : known.GetValueOrDefault(key, "");
    }

    private static string Cell(string text) => text.Replace("|", "\\|", StringComparison.Ordinal);
}
