using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace WhatsAppMesh.Charts.Tests.Rendering;

/// <summary>Values of the chart as a tree, so that each place in them can be tried. A step of a path is a key, or an index in brackets.</summary>
internal static class ValueTree
{
    /// <summary>The chart's values with something in every list and map.</summary>
    public static JsonNode Everything() =>
        Coalesced(Yaml.File(Path.Combine(Renderer.Chart, "values.yaml")), Yaml.File(Resources.Values("everything")));

    /// <summary>Paths of every text.</summary>
    public static IEnumerable<string[]> Texts(JsonNode values) =>
        All(values, []).Where(place => place.Node is JsonValue value && value.GetValueKind() == JsonValueKind.String).Select(place => place.Path);

    /// <summary>Paths of everything below the root: maps, lists, their items, and what is in them.</summary>
    public static IEnumerable<string[]> Places(JsonNode values) => All(values, []).Select(place => place.Path);

    /// <summary>A copy with something else at a place.</summary>
    public static JsonNode With(JsonNode values, string[] path, JsonNode? value)
    {
        var copy = values.DeepClone();
        var at = path[..^1].Aggregate(copy, Step);
        if (at is JsonArray list)
            list[Index(path[^1])] = value;
        else
            at[path[^1]] = value;
        return copy;
    }

    /// <summary>Renders the chart with such values.</summary>
    public static async Task<(string? Documents, string Errors)> TryRenderAsync(JsonNode values)
    {
        var file = Path.GetTempFileName();
        try
        {
            await File.WriteAllTextAsync(file, values.ToJsonString());
            return await Renderer.TryRenderAsync("--values", file);
        }
        finally
        {
            File.Delete(file);
        }
    }

    private static IEnumerable<(string[] Path, JsonNode? Node)> All(JsonNode? node, string[] path) => node switch
    {
        JsonObject map => map.SelectMany(entry => Self(entry.Value, [.. path, entry.Key])),
        JsonArray list => list.SelectMany((item, index) => Self(item, [.. path, string.Create(CultureInfo.InvariantCulture, $"[{index}]")])),
        _ => [],
    };

    private static IEnumerable<(string[] Path, JsonNode? Node)> Self(JsonNode? node, string[] path) => All(node, path).Prepend((path, node));

    private static JsonNode Step(JsonNode at, string key) => at is JsonArray list ? list[Index(key)]! : at[key]!;

    private static int Index(string key) => int.Parse(key.Trim('[', ']'), CultureInfo.InvariantCulture);

    private static JsonNode Coalesced(JsonNode under, JsonNode over)
    {
        var merged = under.DeepClone().AsObject();
        foreach (var (key, value) in over.AsObject())
            merged[key] = merged[key] is JsonObject below && value is JsonObject above ? Coalesced(below, above) : value!.DeepClone();
        return merged;
    }
}
