using System.Text.Json;
using System.Text.Json.Nodes;
using WhatsAppMesh.Charts.Tests.Rendering;

namespace WhatsAppMesh.Charts.Tests;

/// <summary>
/// The fields of the kinds that the chart uses, from <c>fields.txt</c>: a line for each kind and path, with its type. A key of a map that may
/// hold anything is written <c>*</c>, an item of a list <c>[]</c>. What is indented one step too far, or misspelt, is in no line.
/// </summary>
internal sealed class FieldList(HashSet<string> known)
{
    public static FieldList Load() => new([.. File
        .ReadAllLines(Path.Combine(Mesh.Running.MeshRepository.Find(), "tests", "Charts.Tests", "fields.txt"))
        .Where(line => line.Length > 0 && line[0] != '#')]);

    /// <summary>Fields of a resource that no line knows.</summary>
    public IEnumerable<string> Problems(Resource resource) =>
        Leaves(resource.Document, "").Select(leaf => $"{resource.Kind} {leaf}").Distinct().Where(field => !IsKnown(field)).Select(field => $"{resource}: {field}");

    private bool IsKnown(string field) => known.Contains(field) || known.Any(line => line.Contains('*', StringComparison.Ordinal) && Fits(field, line));

    private static bool Fits(string field, string line)
    {
        var star = line.IndexOf(".*", StringComparison.Ordinal);
        var (type, wanted) = (field[(field.LastIndexOf(' ') + 1)..], line[(line.LastIndexOf(' ') + 1)..]);
        return field.StartsWith(line[..(star + 1)], StringComparison.Ordinal) && type == wanted;
    }

    private static IEnumerable<string> Leaves(JsonNode? node, string path) => node switch
    {
        JsonObject map when map.Count > 0 => map.SelectMany(entry => Leaves(entry.Value, path.Length == 0 ? entry.Key : $"{path}.{entry.Key}")),
        JsonArray list when list.Count > 0 => list.SelectMany(item => Leaves(item, path + "[]")),
        JsonObject => [$"{path} map"],
        JsonArray => [$"{path} list"],
        null => [$"{path} null"],
        _ => [$"{path} {TypeOf(node)}"],
    };

    private static string TypeOf(JsonNode value) => value.GetValueKind() switch
    {
        JsonValueKind.String => "text",
        JsonValueKind.Number => "number",
        _ => "truth",
    };
}
