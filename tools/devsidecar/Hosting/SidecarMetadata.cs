using System.Collections.Concurrent;
using WhatsAppMesh.DevSidecar.Components;
using WhatsAppMesh.DevSidecar.PubSub.Delivering;

namespace WhatsAppMesh.DevSidecar.Hosting;

/// <summary>
/// What the sidecar is made of, and the values that its starter and its app have noted there: the metadata API without a transport.
/// </summary>
internal sealed class SidecarMetadata(SidecarFlags flags, ResourceSet resources, SubscriptionSet subscriptions)
{
    /// <summary>The release of Dapr whose behaviour is followed.</summary>
    public const string RuntimeVersion = "1.18.3-devsidecar";

    /// <summary>Features of daprd that are always on.</summary>
    public static readonly IReadOnlyList<string> EnabledFeatures = ["HotReload", "WorkflowsRemoteActivityReminder"];

    private static readonly string[] StateCapabilities = ["ETAG", "TRANSACTIONAL", "TTL", "KEYS_LIKE", "ACTOR"];

    private readonly ConcurrentDictionary<string, string> _noted = new() { ["daprRuntimeVersion"] = RuntimeVersion };

    public SidecarFlags Flags => flags;

    public ResourceSet Resources => resources;

    /// <summary>Components in the order in which daprd loads them: secret stores first, as others may need them.</summary>
    public IEnumerable<Component> Components => resources.Components.Values;

    public IReadOnlyList<Subscription> Subscriptions => subscriptions.Current;

    /// <summary>The noted values.</summary>
    public IEnumerable<KeyValuePair<string, string>> Noted => _noted;

    /// <summary>What a component can do, in daprd's words.</summary>
    public static IReadOnlyList<string> CapabilitiesOf(Component component) => component.Kind == ComponentKind.State ? StateCapabilities : [];

    /// <summary>Notes a value; without a name it is forgotten, and no note changes the runtime version.</summary>
    public void Note(string name, string value)
    {
        if (name.Length > 0 && name != "daprRuntimeVersion")
            _noted[name] = value;
    }
}
