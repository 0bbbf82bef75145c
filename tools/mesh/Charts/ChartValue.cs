using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using YamlDotNet.Core;
using YamlDotNet.Core.Events;
using YamlDotNet.RepresentationModel;

namespace WhatsAppMesh.Mesh.Charts;

/// <summary>One value of a chart's <c>values.yaml</c>: a scalar, a list, or a map that stands on one line.</summary>
/// <param name="Path">Its keys, joined by full stops.</param>
/// <param name="Type">string, int, number, bool, list or object.</param>
/// <param name="Default">What it is when nobody says anything, as JSON.</param>
/// <param name="Description">The comment above it that begins with <c># --</c>, as one text; empty where there is none.</param>
public sealed partial record ChartValue(string Path, string Type, string Default, string Description)
{
    private const string Begin = "# -- ";

    /// <summary>Every value of a file, in its order.</summary>
    /// <exception cref="YamlException">The text is no YAML.</exception>
    public static IReadOnlyList<ChartValue> Read(string text)
    {
        var yaml = new YamlStream();
        yaml.Load(new StringReader(text));
        return [.. Below("", (YamlMappingNode)yaml.Documents[0].RootNode, text.Split('\n'))];
    }

    private static IEnumerable<ChartValue> Below(string above, YamlMappingNode map, string[] lines)
    {
        foreach (var (key, value) in map.Children)
        {
            var path = above + ((YamlScalarNode)key).Value;
            if (value is YamlMappingNode { Children.Count: > 0, Style: not MappingStyle.Flow } inner)
            {
                foreach (var below in Below(path + ".", inner, lines))
                    yield return below;
            }
            else
            {
                var node = Node(value);
                yield return new ChartValue(path, TypeOf(node), node.ToJsonString(), DescriptionAbove(lines, (int)key.Start.Line - 1));
            }
        }
    }

    // From the line with the mark down to the value; a comment without a mark speaks of more than one value.
    private static string DescriptionAbove(string[] lines, int line)
    {
        var first = line;
        while (first > 0 && lines[first - 1].TrimStart().StartsWith('#'))
            first--;
        var mark = line;
        while (mark > first && !lines[mark].TrimStart().StartsWith(Begin, StringComparison.Ordinal))
            mark--;
        return lines[mark].TrimStart().StartsWith(Begin, StringComparison.Ordinal)
            ? string.Join(' ', lines[mark..line].Select(static comment => comment.TrimStart().TrimStart('#', '-', ' ').TrimEnd()))
            : "";
    }

    private static JsonNode Node(YamlNode node) => node switch
    {
        YamlMappingNode map => new JsonObject(map.Children.Select(static entry => KeyValuePair.Create(entry.Key.ToString(), (JsonNode?)Node(entry.Value)))),
        YamlSequenceNode list => new JsonArray([.. list.Children.Select(Node)]),
        YamlScalarNode { Style: ScalarStyle.Plain, Value: { } plain } when IsJson(plain) => JsonNode.Parse(plain)!,
        _ => JsonValue.Create(((YamlScalarNode)node).Value ?? ""),
    };

    private static bool IsJson(string plain) => plain is "true" or "false" || JsonNumber().IsMatch(plain);

    private static string TypeOf(JsonNode node) => node.GetValueKind() switch
    {
        JsonValueKind.Array => "list",
        JsonValueKind.Object => "object",
        JsonValueKind.True or JsonValueKind.False => "bool",
        JsonValueKind.Number => node.ToJsonString().Contains('.', StringComparison.Ordinal) ? "number" : "int",
        _ => "string",
    };

    [GeneratedRegex(@"^-?(0|[1-9][0-9]*)(\.[0-9]+)?$")]
    private static partial Regex JsonNumber();
}
