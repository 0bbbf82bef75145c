using WhatsAppMesh.DevSidecar.Hosting;

namespace WhatsAppMesh.DevSidecar.Components;

/// <summary>The building block a component belongs to.</summary>
public enum ComponentKind
{
    /// <summary>pubsub.*: topics.</summary>
    PubSub,

    /// <summary>state.*: keys and values.</summary>
    State,

    /// <summary>secretstores.*: secrets, also for the metadata of other components.</summary>
    SecretStore,
}

/// <summary>A Component resource with its secrets resolved.</summary>
/// <param name="Name">Name the API calls it by.</param>
/// <param name="Type">For example <c>pubsub.redis</c>.</param>
/// <param name="Version">For example <c>v1</c>.</param>
/// <param name="Kind">Its building block.</param>
/// <param name="Metadata">Settings; names compare without case.</param>
public sealed record Component(string Name, string Type, string Version, ComponentKind Kind, IReadOnlyDictionary<string, string> Metadata)
{
    /// <summary>A setting, or null.</summary>
    public string? Setting(string name) => Metadata.TryGetValue(name, out var value) ? value : null;

    internal static Component Read(ResourceDocument document, SecretReferences secrets)
    {
        var root = document.Root.Ignore("apiVersion", "kind", "metadata", "scopes");
        var spec = root.Object("spec");
        var type = spec.Required("type");
        var kind = KindOf(type) ?? throw new StartFailure(
            $"{root.Place} {document.Name}: the development sidecar does not support components of type {type}, only pubsub.*, state.* and secretstores.local.*.");
        var version = spec.Text("version") ?? "v1";
        spec.Ignore("ignoreErrors", "initTimeout");
        var store = root.Object("auth") is { Exists: true } auth ? auth.Text("secretStore") : null;
        var metadata = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
        foreach (var item in spec.Objects("metadata"))
        {
            var name = item.Required("name");
            if (metadata.Keys.FirstOrDefault(other => other != name && other.Equals(name, StringComparison.OrdinalIgnoreCase)) is { } twin)
                throw new StartFailure($"{root.Place} {document.Name}: {twin} and {name} are one setting, in capitals or not: keep one of them.");
            metadata[name] = item.Text("value") ?? secrets.Resolve(item, store, $"{root.Place} {document.Name}: {name}") ?? "";
            item.Done();
        }

        spec.Done();
        root.Done();
        return new Component(document.Name, type, version, kind, metadata);
    }

    private static ComponentKind? KindOf(string type) => type switch
    {
        _ when type.StartsWith("pubsub.", StringComparison.Ordinal) => ComponentKind.PubSub,
        _ when type.StartsWith("state.", StringComparison.Ordinal) => ComponentKind.State,
        "secretstores.local.env" or "secretstores.local.file" => ComponentKind.SecretStore,
        _ => null,
    };
}
