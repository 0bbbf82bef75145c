using WhatsAppMesh.Charts.Tests.Rendering;
using WhatsAppMesh.Mesh.Charts;
using WhatsAppMesh.Mesh.Running;

namespace WhatsAppMesh.Charts.Tests;

public sealed class ReadmeTests
{
    private static readonly string Values = File.ReadAllText(Path.Combine(Renderer.Chart, "values.yaml"));

    [Fact]
    public void The_chart_s_page_is_the_one_that_its_values_make() => Assert.True(
        ChartReadme.Write(Values) == File.ReadAllText(Path.Combine(Renderer.Chart, "README.md")),
        "charts/whatsapp-mesh/README.md is old: run './mesh chart-docs'");

    [Fact]
    public void It_has_every_value_with_its_default()
    {
        var listed = ChartValue.Read(Values).ToDictionary(value => value.Path, value => value.Default);
        var leaves = ValueTree.Places(Yaml.File(Path.Combine(Renderer.Chart, "values.yaml"))).Select(path => string.Join('.', path)).ToList();

        Assert.All(leaves, leaf => Assert.Contains(listed.Keys, key => IsIn(leaf, key) || IsIn(key, leaf)));
        Assert.Equal(("\"whatsapp-mesh\"", "2"), (listed["existingSecret"], listed["services.edge.replicas"]));
        Assert.Equal(("true", "[5432]"), (listed["networkPolicy.enabled"], listed["networkPolicy.database.ports"]));
        Assert.Contains("senders.evolution", listed.Keys);
    }

    [Fact]
    public void A_value_that_nothing_is_said_about_is_named()
    {
        const string values = "# -- Said.\na: 1\n# Said of both.\nb:\n  c: 2\nservices:\n  x:\n    # -- Said once.\n    d: 3\n  y:\n    d: 4\n";
        var refused = Assert.Throws<MeshException>(() => ChartReadme.Write(values));

        Assert.Contains("about b.c:", refused.Message, StringComparison.Ordinal);
    }

    private static bool IsIn(string path, string map) => path == map || path.StartsWith(map + ".", StringComparison.Ordinal);
}
