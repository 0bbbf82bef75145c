using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using WhatsAppMesh.Charts.Tests.Rendering;

namespace WhatsAppMesh.Charts.Tests;

/// <summary>A text stays a text, whatever it looks like: the API server reads YAML 1.1, in which 1e3 is a number and y a truth.</summary>
public sealed partial class TextTests
{
    [Theory]
    [InlineData("123")]
    [InlineData("1e3")]
    [InlineData("true")]
    [InlineData("null")]
    [InlineData("y")]
    [InlineData("0x1F")]
    [InlineData("2026-01-01")]
    public async Task A_text_of_the_values_is_a_text_wherever_it_lands(string odd)
    {
        var values = ValueTree.Everything();
        var plain = await RenderAsync(values);
        var taken = 0;
        await Parallel.ForEachAsync(ValueTree.Texts(values).ToList(), new ParallelOptions { MaxDegreeOfParallelism = 2 }, async (path, _) =>
        {
            var (documents, errors) = await ValueTree.TryRenderAsync(ValueTree.With(values, path, odd));
            // Many a text is one of a few words, a name or an address that may not look so: then that is said, and no template breaks.
            if (documents is null)
            {
                Assert.Matches("schema|is missing|is no host and port|is above limits", errors);
                return;
            }
            Interlocked.Increment(ref taken);
            AssertTexts(plain, await Renderer.ReadAsKubernetesAsync(documents), $"{string.Join('.', path)}={odd}");
        });
        Assert.True(taken > 40, $"only {taken} values take '{odd}'");
    }

    [Theory]
    [InlineData("y")]
    [InlineData("N")]
    [InlineData("true")]
    [InlineData("1e3")]
    [InlineData("123")]
    [InlineData("2026-01-01")]
    public async Task So_is_the_name_of_a_label_and_of_an_annotation(string odd)
    {
        var values = $$"""{ "pods": { "labels": { "{{odd}}": "a" }, "annotations": { "{{odd}}": "{{odd}}" }, "nodeSelector": { "{{odd}}": "b" } } }""";
        var (documents, errors) = await ValueTree.TryRenderAsync(JsonNode.Parse(values)!);
        Assert.True(documents is not null, errors);

        var edge = (await Renderer.ReadAsKubernetesAsync(documents)).Single(static one => one!["kind"]!.GetValue<string>() == "Deployment"
            && one["metadata"]!["name"]!.GetValue<string>() == "mesh-edge")!["spec"]!["template"]!;
        Assert.Equal("a", edge["metadata"]!["labels"]![odd]!.GetValue<string>());
        Assert.Equal(odd, edge["metadata"]!["annotations"]![odd]!.GetValue<string>());
        Assert.Equal("b", edge["spec"]!["nodeSelector"]![odd]!.GetValue<string>());
    }

    [Theory]
    [InlineData("true", "1234567")]
    [InlineData("null", "0")]
    [InlineData("y", "1e3")]
    [InlineData("no", "2026-01-01")]
    [InlineData("off", "0x1")]
    public async Task So_is_the_name_of_a_release_and_of_a_namespace(string release, string space)
    {
        var file = Resources.Values("full");
        var plain = await Renderer.ReadAsKubernetesAsync((await Renderer.TryRenderAsAsync("mesh", "whatsapp", "--values", file)).Documents!);
        var (documents, errors) = await Renderer.TryRenderAsAsync(release, space, "--values", file);

        Assert.True(documents is not null, errors);
        AssertTexts(plain, await Renderer.ReadAsKubernetesAsync(documents), release);
        Assert.All(
            await Renderer.ReadAsKubernetesAsync(documents),
            resource => Assert.Equal(space, resource!["metadata"]!["namespace"]!.GetValue<string>()));
    }

    [Theory]
    [InlineData("mesh.example")]
    [InlineData("1mesh")]
    [InlineData("1234567")]
    [InlineData("a-name-of-forty-characters-that-is-cut-at.a-dot")]
    public async Task A_release_whose_Services_no_cluster_would_take_is_refused_with_a_sentence(string release)
    {
        var (documents, errors) = await Renderer.TryRenderAsAsync(release, "whatsapp");

        Assert.Null(documents);
        Assert.Contains("becomes part of the names of Services", errors, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("as-long-as-helm-takes-them-which-is-fifty-three-signs")]
    [InlineData("cut-after-forty-signs-where-a-dash-is-a---z")]
    public async Task A_long_name_of_a_release_is_cut_to_one_that_everything_can_bear(string release)
    {
        var (documents, errors) = await Renderer.TryRenderAsAsync(release, "whatsapp", "--values", Resources.Values("full"));

        Assert.True(documents is not null, errors);
        Assert.All(
            await Renderer.ReadAsKubernetesAsync(documents),
            static resource => Assert.Matches("^[a-z]([-a-z0-9]{0,61}[a-z0-9])?$", resource!["metadata"]!["name"]!.GetValue<string>()));
    }

    [Fact]
    public void Every_text_of_a_template_goes_through_the_one_helper()
    {
        var wrong = Directory.GetFiles(Path.Combine(Renderer.Chart, "templates"), "*", SearchOption.AllDirectories)
            .Where(static file => !file.EndsWith("NOTES.txt", StringComparison.Ordinal))
            .SelectMany(file => File.ReadLines(file).Select(line => (file, line))).Where(at => !at.line.TrimStart().StartsWith('#'))
            .SelectMany(at => Scalars().Matches(at.line).Select(match => (at.file, Expression: match.Groups[1].Value)))
            .Where(scalar => !Typed().IsMatch(scalar.Expression)).Select(scalar => $"{Path.GetFileName(scalar.file)}: {scalar.Expression}");

        Assert.Empty(wrong);
    }

    // What is a text in one rendering is a text in the other; the plain one has no text that looks like anything else.
    private static void AssertTexts(JsonNode? plain, JsonNode? odd, string because)
    {
        switch (plain)
        {
            case JsonObject map when odd is JsonObject other:
                foreach (var (key, value) in map.Where(entry => other.ContainsKey(entry.Key)))
                    AssertTexts(value, other[key], $"{because}: {key}");
                break;
            case JsonArray list when odd is JsonArray others:
                foreach (var (one, another) in list.Zip(others))
                    AssertTexts(one, another, because);
                break;
            default:
                Assert.True(plain?.GetValueKind() == odd?.GetValueKind(), $"{because} is {odd?.ToJsonString() ?? "null"}");
                break;
        }
    }

    private static async Task<JsonArray> RenderAsync(JsonNode values)
    {
        var (documents, errors) = await ValueTree.TryRenderAsync(values);
        Assert.True(documents is not null, errors);
        return await Renderer.ReadAsKubernetesAsync(documents);
    }

    // A value of a key, an item of a list or a key itself that a template fills in, alone on its place.
    [GeneratedRegex(@"(?:: |\[|- |, )\{\{-? ((?:(?!\}\}).)+?) -?\}\}(?! *[|&])")]
    private static partial Regex Scalars();

    // The helper, a number, a truth, a whole block, or no value at all.
    [GeneratedRegex(
        @"^(include ""mesh\.text""|int |hasPrefix |\$\w+ (:=|=)|(if|else|with|range|end|define|template|fail)\b|.*\| nindent \d+|"
        + @"\$\.Values\.migrations\.job \| ternary \d+ \(max )")]
    private static partial Regex Typed();
}
