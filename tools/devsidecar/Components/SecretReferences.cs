using WhatsAppMesh.DevSidecar.Hosting;
using WhatsAppMesh.DevSidecar.Secrets;

namespace WhatsAppMesh.DevSidecar.Components;

/// <summary>Resolves <c>secretKeyRef</c> and <c>envRef</c> of resources against the secret stores loaded before them.</summary>
internal sealed class SecretReferences(IReadOnlyDictionary<string, ISecretStore> stores)
{
    /// <summary>The value a reference stands for; null when the item holds none.</summary>
    /// <exception cref="StartFailure">The store or the secret does not exist.</exception>
    public string? Resolve(YamlObject item, string? store, string place) => Resolve(item, store, place, required: true);

    /// <summary>As <see cref="Resolve(YamlObject, string?, string)"/>, but a secret that the store does not have is null.</summary>
    /// <exception cref="StartFailure">The store does not exist.</exception>
    public string? ResolveIfThere(YamlObject item, string? store, string place) => Resolve(item, store, place, required: false);

    private string? Resolve(YamlObject item, string? store, string place, bool required)
    {
        if (item.Text("envRef") is { } variable)
            return Environment.GetEnvironmentVariable(variable) ?? throw new StartFailure($"{place}: the environment variable {variable} is not set.");

        var reference = item.Object("secretKeyRef");
        if (!reference.Exists)
            return null;

        var name = reference.Required("name");
        var key = reference.Text("key") ?? name;
        reference.Done();
        if (store is null)
            throw new StartFailure($"{place}: a secretKeyRef needs auth.secretStore, the name of the secret store.");

        if (!stores.TryGetValue(store, out var secrets))
            throw new StartFailure($"{place}: there is no secret store named {store}.");

        return secrets.Get(name) is { } values && values.TryGetValue(key, out var value)
            ? value
            : !required ? null : throw new StartFailure($"{place}: the secret store {store} has no secret {name} with the key {key}.");
    }
}
