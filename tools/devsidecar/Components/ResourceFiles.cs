using WhatsAppMesh.DevSidecar.Hosting;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace WhatsAppMesh.DevSidecar.Components;

/// <summary>One document of a resource file.</summary>
/// <param name="File">Path of the file.</param>
/// <param name="Index">0 = the first document of its file.</param>
/// <param name="ApiVersion">For example <c>dapr.io/v1alpha1</c>.</param>
/// <param name="Kind">For example <c>Component</c>.</param>
/// <param name="Root">The whole document.</param>
internal sealed record ResourceDocument(string File, int Index, string ApiVersion, string Kind, YamlObject Root)
{
    /// <summary>metadata.name.</summary>
    public string Name { get; } = Root.Object("metadata").Required("name");

    /// <summary>App ids the resource is for; empty = every app.</summary>
    public IReadOnlyList<string> Scopes { get; } = Root.Texts("scopes");

    public bool IsFor(string appId) => Scopes.Count == 0 || Scopes.Contains(appId);
}

/// <summary>Reads the documents of resource files.</summary>
internal static class ResourceFiles
{
    /// <summary>All documents of all YAML files directly in the folders, in the order of the file names.</summary>
    /// <exception cref="StartFailure">A folder is missing or a file is no YAML.</exception>
    public static IReadOnlyList<ResourceDocument> ReadFolders(IEnumerable<string> folders, ICollection<string> warnings) =>
    [
        .. folders.SelectMany(folder => Directory.Exists(folder)
                ? Directory.EnumerateFiles(folder).Where(IsYaml).Order(StringComparer.Ordinal)
                : throw new StartFailure($"--resources-path {folder} is not a folder."))
            .SelectMany(file => Read(file, warnings)),
    ];

    /// <summary>All documents of one file.</summary>
    /// <exception cref="StartFailure">The file is missing or no YAML.</exception>
    public static IReadOnlyList<ResourceDocument> Read(string file, ICollection<string> warnings)
    {
        var documents = new List<ResourceDocument>();
        var index = 0;
        foreach (var document in Load(file))
        {
            // An empty document (a separator at the start or end of the file) does not count.
            if (document.RootNode is YamlScalarNode { Value: "" or null })
                continue;

            if (document.RootNode is not YamlMappingNode mapping)
                throw new StartFailure($"{file}: document {index + 1} is not a mapping.");

            var root = new YamlObject(mapping, file);
            var version = root.Text("apiVersion") ?? "";
            var kind = root.Text("kind") ?? "";
            if (version.StartsWith("dapr.io/", StringComparison.Ordinal))
                documents.Add(new ResourceDocument(file, index, version, kind, new YamlObject(mapping, $"{file}: {kind}")));
            else
                warnings.Add($"{file}: document {index + 1} ({kind}) is not a Dapr resource and is left alone.");

            index++;
        }

        return documents;
    }

    private static IList<YamlDocument> Load(string file)
    {
        try
        {
            using var reader = File.OpenText(file);
            var stream = new YamlStream();
            stream.Load(reader);
            return stream.Documents;
        }
        catch (YamlException exception)
        {
            throw new StartFailure($"{file}: not valid YAML at line {exception.Start.Line}: {exception.InnerException?.Message ?? exception.Message}", exception);
        }
        catch (IOException exception)
        {
            throw new StartFailure($"{file}: cannot be read: {exception.Message}", exception);
        }
    }

    private static bool IsYaml(string file) => Path.GetExtension(file) is ".yaml" or ".yml";
}
