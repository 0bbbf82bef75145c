namespace WhatsAppMesh.DevSidecar.Secrets;

/// <summary>A store of named secrets, each a set of keys and values.</summary>
public interface ISecretStore
{
    /// <summary>The keys and values of one secret; null when there is none of that name.</summary>
    IReadOnlyDictionary<string, string>? Get(string name);

    /// <summary>Every secret the store holds.</summary>
    IReadOnlyDictionary<string, IReadOnlyDictionary<string, string>> GetAll();
}
