using System.Text.Json;
using System.Text.Json.Nodes;
using YamlDotNet.Core;
using YamlDotNet.Core.Events;
using YamlDotNet.Serialization;

namespace WhatsAppMesh.Charts.Tests.Rendering;

/// <summary>YAML as JSON nodes, with the types that Kubernetes would see.</summary>
internal static class Yaml
{
    /// <summary>Every document that is not empty. A key that stands twice in a map is an error.</summary>
    public static IReadOnlyList<JsonNode> Documents(string text)
    {
        var deserializer = new DeserializerBuilder().WithAttemptingUnquotedStringTypeDeserialization().WithDuplicateKeyChecking().Build();
        var parser = new MergingParser(new Parser(new StringReader(text)));
        var documents = new List<JsonNode>();
        parser.Consume<StreamStart>();
        while (parser.Accept<DocumentStart>(out _))
        {
            if (Node(deserializer.Deserialize(parser)) is { } document)
                documents.Add(document);
        }
        return documents;
    }

    /// <summary>Every document of the files of a folder.</summary>
    public static IReadOnlyList<JsonNode> Folder(string folder) =>
        [.. Directory.GetFiles(folder, "*.yaml").Order(StringComparer.Ordinal).SelectMany(file => Documents(System.IO.File.ReadAllText(file)))];

    /// <summary>The one document of a file.</summary>
    public static JsonNode File(string path) => Assert.Single(Documents(System.IO.File.ReadAllText(path)));

    private static JsonNode? Node(object? value) => value switch
    {
        null => null,
        IDictionary<object, object> map => new JsonObject(map.Select(entry => KeyValuePair.Create(entry.Key.ToString()!, Node(entry.Value)))),
        IEnumerable<object> list => new JsonArray([.. list.Select(Node)]),
        _ => JsonSerializer.SerializeToNode(value),
    };

}
