using System.Globalization;
using System.Text.Json;
using WhatsAppMesh.DevSidecar.Components;
using WhatsAppMesh.DevSidecar.Hosting;
using WhatsAppMesh.GoComponents;

namespace WhatsAppMesh.DevSidecar.Secrets;

/// <summary>
/// <c>secretstores.local.file</c>: a JSON file read once at start. Nested objects and arrays become one secret per leaf, its name the
/// path joined with <c>nestedSeparator</c> (default ":"); with <c>multiValued</c> each top-level object is one secret of several keys.
/// </summary>
internal sealed class FileSecretStore : ISecretStore
{
    private readonly SortedDictionary<string, IReadOnlyDictionary<string, string>> _secrets = new(StringComparer.Ordinal);

    private FileSecretStore()
    {
    }

    /// <summary>Reads the file that the component names.</summary>
    /// <exception cref="StartFailure">The file is missing, is not a JSON object, or names one secret twice.</exception>
    public static FileSecretStore Open(Component component)
    {
        var file = component.Setting("secretsFile") is { Length: > 0 } path
            ? path
            : throw new StartFailure($"Component {component.Name}: secretsFile is missing: name the JSON file that holds the secrets.");
        var separator = component.Setting("nestedSeparator") is { Length: > 0 } given ? given : ":";
        var multiValued = GoValues.IsTruthy(component.Setting("multiValued"));

        try
        {
            using var document = JsonDocument.Parse(File.ReadAllBytes(file));
            var store = new FileSecretStore();
            store.Read(document.RootElement, separator, multiValued);
            return store;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new StartFailure($"Component {component.Name}: the secrets file {file} cannot be read: {e.Message}", e);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or ArgumentException)
        {
            // The parser's own message could quote a secret.
            throw new StartFailure($"Component {component.Name}: the secrets file {file} is not a JSON object with one value per name.");
        }
    }

    public IReadOnlyDictionary<string, string>? Get(string name) => _secrets.GetValueOrDefault(name);

    public IReadOnlyDictionary<string, IReadOnlyDictionary<string, string>> GetAll() => _secrets;

    private void Read(JsonElement root, string separator, bool multiValued)
    {
        foreach (var member in root.EnumerateObject())
        {
            if (multiValued && member.Value.ValueKind == JsonValueKind.Object)
            {
                var keys = new Dictionary<string, string>();
                foreach (var (path, value) in member.Value.EnumerateObject().SelectMany(inner => Leaves(inner.Value, inner.Name, separator)))
                    keys.Add(path, value);
                _secrets.Add(member.Name, keys);
            }
            else if (!multiValued || member.Value.ValueKind == JsonValueKind.String)
            {
                foreach (var (path, value) in Leaves(member.Value, member.Name, separator))
                    _secrets.Add(path, new Dictionary<string, string> { [path] = value });
            }
        }
    }

    private static IEnumerable<(string Path, string Value)> Leaves(JsonElement element, string path, string separator) => element.ValueKind switch
    {
        JsonValueKind.Object => element.EnumerateObject().SelectMany(member => Leaves(member.Value, path + separator + member.Name, separator)),
        JsonValueKind.Array => element.EnumerateArray()
            .SelectMany((item, i) => Leaves(item, path + separator + i.ToString(CultureInfo.InvariantCulture), separator)),
        JsonValueKind.String => [(path, element.GetString()!)],
        _ => [(path, element.GetRawText())],
    };
}
