using WhatsAppMesh.DevSidecar.Components;
using WhatsAppMesh.DevSidecar.Hosting;

namespace WhatsAppMesh.DevSidecar.Secrets;

/// <summary>Opens the secret stores the components name.</summary>
internal static class SecretStores
{
    /// <summary>Opens one store.</summary>
    /// <exception cref="StartFailure">Its type or settings are not supported.</exception>
    public static ISecretStore Open(Component component) => component.Type switch
    {
        "secretstores.local.env" => new EnvSecretStore(component.Setting("prefix") ?? ""),
        "secretstores.local.file" => FileSecretStore.Open(component),
        _ => throw new StartFailure($"Component {component.Name}: the development sidecar does not support {component.Type}."),
    };
}
