using System.Text.Json;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace WhatsAppMesh.Mesh.Running;

/// <summary>A Dapr resource of a component folder, as far as the launcher looks into it.</summary>
/// <param name="File">Path of its file.</param>
/// <param name="Root">The whole document.</param>
internal sealed record ComponentFile(string File, YamlMappingNode Root)
{
    public string Kind => Text(Root, "kind");

    public string Name => Text(Map(Root, "metadata"), "name");

    public string Type => Text(Map(Root, "spec"), "type");

    /// <summary>The store that secretKeyRefs mean; empty when there is none.</summary>
    public string SecretStore => Text(Map(Root, "auth"), "secretStore");

    public YamlMappingNode? Spec => Map(Root, "spec");

    /// <summary>Whether an app's sidecar reads it.</summary>
    public bool IsFor(string appId) =>
        Find(Root, "scopes") is not YamlSequenceNode scopes || scopes.Children.Count == 0
        || scopes.Any(scope => (scope as YamlScalarNode)?.Value == appId);

    /// <summary>The entry of a setting; its name may be written in capitals or not.</summary>
    public YamlMappingNode? Setting(string name) => (Find(Spec, "metadata") as YamlSequenceNode)?.OfType<YamlMappingNode>()
        .LastOrDefault(entry => Text(entry, "name").Equals(name, StringComparison.OrdinalIgnoreCase));

    /// <summary>The documents of a folder's files, those that cannot be read left out: the sidecar says what is wrong with them.</summary>
    public static IReadOnlyList<ComponentFile> Load(string folder) => !Directory.Exists(folder) ? [] :
    [
        .. Directory.EnumerateFiles(folder).Where(file => Path.GetExtension(file) is ".yaml" or ".yml").Order(StringComparer.Ordinal)
            .SelectMany(Documents),
    ];

    public static string Text(YamlMappingNode? node, string name) => (Find(node, name) as YamlScalarNode)?.Value ?? "";

    public static YamlMappingNode? Map(YamlMappingNode? node, string name) => Find(node, name) as YamlMappingNode;

    private static YamlNode? Find(YamlMappingNode? node, string name) =>
        node is not null && node.Children.TryGetValue(new YamlScalarNode(name), out var found) ? found : null;

    private static IEnumerable<ComponentFile> Documents(string file)
    {
        try
        {
            using var reader = System.IO.File.OpenText(file);
            var stream = new YamlStream();
            stream.Load(reader);
            return
            [
                .. stream.Documents.Select(document => document.RootNode).OfType<YamlMappingNode>().Select(root => new ComponentFile(file, root)),
            ];
        }
        catch (Exception e) when (e is YamlException or IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }
}

/// <summary>Settings of components, with secrets from the stores that can be read here: the sidecar's environment and JSON files.</summary>
internal sealed class ComponentSecrets(IReadOnlyList<ComponentFile> resources, string workingDirectory, Func<string, string?> environment)
{
    /// <summary>The value of a setting; null when there is none, or when a vault has it.</summary>
    public string? Read(ComponentFile component, string name)
    {
        if (component.Setting(name) is not { } entry)
            return null;
        if (entry.Children.ContainsKey(new YamlScalarNode("value")))
            return ComponentFile.Text(entry, "value");
        if (ComponentFile.Text(entry, "envRef") is { Length: > 0 } variable)
            return environment(variable);
        return ComponentFile.Map(entry, "secretKeyRef") is { } reference
            ? Secret(component.SecretStore, ComponentFile.Text(reference, "name"), ComponentFile.Text(reference, "key"))
            : null;
    }

    private string? Secret(string store, string name, string key)
    {
        var found = resources.FirstOrDefault(resource => resource.Kind == "Component" && resource.Name == store);
        return found?.Type switch
        {
            "secretstores.local.env" => environment(ComponentFile.Text(found.Setting("prefix"), "value") + name),
            "secretstores.local.file" => FromFile(found, name, key),
            _ => null,
        };
    }

    private string? FromFile(ComponentFile store, string name, string key)
    {
        try
        {
            var file = Path.GetFullPath(ComponentFile.Text(store.Setting("secretsFile"), "value"), workingDirectory);
            using var json = JsonDocument.Parse(File.ReadAllText(file));
            var separator = ComponentFile.Text(store.Setting("nestedSeparator"), "value") is { Length: > 0 } given ? given : ":";
            string[] inner = key == name || key.Length == 0 ? [] : [key];
            var parts = json.RootElement.TryGetProperty(name, out _) ? [name, .. inner] : name.Split(separator);
            var at = json.RootElement;
            foreach (var part in parts)
            {
                if (at.ValueKind != JsonValueKind.Object || !at.TryGetProperty(part, out at))
                    return null;
            }

            return at.ValueKind == JsonValueKind.String ? at.GetString() : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or JsonException or ArgumentException or InvalidOperationException)
        {
            return null;
        }
    }
}
