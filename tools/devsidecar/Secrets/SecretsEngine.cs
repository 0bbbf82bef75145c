using WhatsAppMesh.DevSidecar.Api;
using WhatsAppMesh.DevSidecar.Components;

namespace WhatsAppMesh.DevSidecar.Secrets;

/// <summary>The secrets API without a transport, over the configured secret stores.</summary>
internal sealed class SecretsEngine(ResourceSet resources)
{
    /// <summary>The keys and values of a secret.</summary>
    /// <exception cref="DaprErrorException">There is no such store, or no such secret in it.</exception>
    public IReadOnlyDictionary<string, string> Get(string store, string key)
    {
        var secrets = Find(store);
        if (secrets.Get(key) is { } values)
            return values;

        // A variable that is not set reads as empty.
        return secrets is EnvSecretStore
            ? new Dictionary<string, string> { [key] = "" }
            : throw new DaprErrorException(ApiErrors.SecretNotFound(store, key));
    }

    /// <summary>Every secret of a store.</summary>
    /// <exception cref="DaprErrorException">There is no such store.</exception>
    public IReadOnlyDictionary<string, IReadOnlyDictionary<string, string>> GetAll(string store) => Find(store).GetAll();

    private ISecretStore Find(string store) => resources.SecretStores.GetValueOrDefault(store)
        ?? throw new DaprErrorException(resources.SecretStores.Count == 0 ? ApiErrors.SecretStoresMissing : ApiErrors.SecretStoreNotFound(store));
}
