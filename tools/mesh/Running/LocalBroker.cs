using System.Globalization;

namespace WhatsAppMesh.Mesh.Running;

/// <summary>The simulated broker of a local mesh: a plain process beside the services, at the address that <c>components/whatsapp-broker.yaml</c> names.</summary>
public static class LocalBroker
{
    /// <summary>Its name among the processes of a mesh.</summary>
    public const string Name = "broker";

    /// <summary>Secret under which the sidecars find its API key.</summary>
    public const string ApiKeySecret = "WHATSAPP_BROKER_API_KEY";

    /// <summary>What it answers as soon as it runs.</summary>
    public const string HealthPath = "/sim/counts";

    private const int Port = 5140;
    private const string Address = "http://127.0.0.1:5140";

    /// <summary>Its project.</summary>
    public static string Project(string repository) => Path.Combine(repository, "tools", "brokersim", "BrokerSim.csproj");

    /// <summary>Its port: the one of the component, or a free one in a mesh with free ports.</summary>
    public static int PortFor(MeshOptions options) => options.EphemeralPorts ? Ports.Free(1)[0] : Port;

    /// <summary>How it is started.</summary>
    public static ProcessSpec Spec(MeshOptions options, MeshSecrets secrets, int port) => new(
        Name,
        [Path.Combine(options.Repository, "artifacts", "bin", "BrokerSim", options.Configuration, "brokersim"), "--port", port.ToString(CultureInfo.InvariantCulture)],
        options.Repository,
        new Dictionary<string, string> { [ApiKeySecret] = secrets.BrokerApiKey },
        options.Folder.LogOf(Name));

    /// <summary>
    /// A folder of components whose broker is at this port: the given one when it says so already, else a copy of it, because a component
    /// cannot take its address from anywhere else.
    /// </summary>
    public static string ResourcesFor(string resources, MeshFolder folder, int port)
    {
        if (port == Port)
            return resources;

        var copies = Directory.CreateDirectory(Path.Combine(folder.Root, Path.GetFileName(resources))).FullName;
        foreach (var file in Directory.GetFiles(resources))
        {
            var text = File.ReadAllText(file).Replace(Address, string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{port}"), StringComparison.Ordinal);
            File.WriteAllText(Path.Combine(copies, Path.GetFileName(file)), text);
        }

        return copies;
    }
}
