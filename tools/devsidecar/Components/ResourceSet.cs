using WhatsAppMesh.DevSidecar.Access;
using WhatsAppMesh.DevSidecar.Hosting;
using WhatsAppMesh.DevSidecar.Resiliency;
using WhatsAppMesh.DevSidecar.Secrets;

namespace WhatsAppMesh.DevSidecar.Components;

/// <summary>Every resource that applies to the sidecar's app, read once at start.</summary>
public sealed class ResourceSet
{
    private readonly Dictionary<string, Component> _components = [];
    private readonly Dictionary<string, HttpEndpoint> _endpoints = [];
    private readonly Dictionary<string, ISecretStore> _secrets = [];
    private readonly List<Subscription> _subscriptions = [];
    private readonly List<ResiliencySpec> _resiliencies = [];
    private readonly List<string> _warnings = [];

    /// <summary>Components by name.</summary>
    public IReadOnlyDictionary<string, Component> Components => _components;

    /// <summary>HTTP endpoints by name.</summary>
    public IReadOnlyDictionary<string, HttpEndpoint> HttpEndpoints => _endpoints;

    /// <summary>Secret stores by component name.</summary>
    public IReadOnlyDictionary<string, ISecretStore> SecretStores => _secrets;

    /// <summary>Declarative subscriptions; the first of a topic wins.</summary>
    public IReadOnlyList<Subscription> Subscriptions => _subscriptions;

    /// <summary>Resiliency resources.</summary>
    public IReadOnlyList<ResiliencySpec> Resiliencies => _resiliencies;

    /// <summary>Tracing settings.</summary>
    public TracingConfiguration Tracing { get; private set; } = TracingConfiguration.Default;

    /// <summary>Who may call what of the app; null = everybody everything.</summary>
    internal AccessControl? Access { get; private set; }

    /// <summary>What was read and has no effect; logged as warnings at start.</summary>
    public IReadOnlyList<string> Warnings => _warnings;

    /// <summary>Reads all resources of the flags' folders and files that are for the flags' app.</summary>
    /// <exception cref="StartFailure">A resource is broken or asks for what this sidecar does not support.</exception>
    public static ResourceSet Load(SidecarFlags flags)
    {
        ArgumentNullException.ThrowIfNull(flags);
        var set = new ResourceSet();
        foreach (var document in flags.ConfigFiles.SelectMany(file => ResourceFiles.Read(file, set._warnings)))
            set.AddConfiguration(document, isGiven: true);

        var documents = ResourceFiles.ReadFolders(flags.ResourcesPaths, set._warnings).Where(document => document.IsFor(flags.AppId)).ToList();
        foreach (var document in documents.Where(IsSecretStore))
            set.Add(document);
        foreach (var document in documents.Where(document => !IsSecretStore(document)))
            set.Add(document);
        return set;
    }

    /// <summary>Adds a sentence about what has no effect.</summary>
    internal void Warn(string sentence) => _warnings.Add(sentence);

    private void Add(ResourceDocument document)
    {
        var secrets = new SecretReferences(_secrets);
        switch (document.Kind)
        {
            case "Component":
                AddComponent(Component.Read(document, secrets), document);
                break;
            case "Subscription":
                AddSubscription(Subscription.Read(document));
                break;
            case "HTTPEndpoint":
                if (!_endpoints.TryAdd(document.Name, HttpEndpoint.Read(document, secrets)))
                    throw Twice(document);
                break;
            case "Resiliency" when document.Index > 0:
                _warnings.Add($"{document.File}: Resiliency {document.Name} is NOT applied, because it is not the first document of its file: give it a file of its own.");
                break;
            case "Resiliency":
                _resiliencies.Add(ResiliencySpec.Read(document));
                break;
            case "Configuration":
                AddConfiguration(document, isGiven: false);
                break;
            default:
                throw new StartFailure($"{document.File}: the development sidecar does not support resources of kind {document.Kind}.");
        }
    }

    private void AddComponent(Component component, ResourceDocument document)
    {
        if (!_components.TryAdd(component.Name, component))
            throw Twice(document);

        if (component.Kind == ComponentKind.SecretStore)
            _secrets.Add(component.Name, Secrets.SecretStores.Open(component));
    }

    private void AddSubscription(Subscription subscription)
    {
        if (_subscriptions.Any(known => known.PubSubName == subscription.PubSubName && known.Topic == subscription.Topic))
            _warnings.Add($"A second subscription to {subscription.Topic} of {subscription.PubSubName} is left alone: the first one holds.");
        else
            _subscriptions.Add(subscription);
    }

    /// <param name="document">Any document of the file.</param>
    /// <param name="isGiven">The file was given as <c>--config</c>: of several, a later one counts where it says something. Dapr reads no others.</param>
    private void AddConfiguration(ResourceDocument document, bool isGiven)
    {
        if (document.Kind != "Configuration")
            return;
        Tracing = TracingConfiguration.Read(document, Tracing, _warnings);
        var rules = document.Root.Object("spec").Object("accessControl");
        if (rules.Exists && !isGiven)
            throw new StartFailure($"{document.File}: the field accessControl counts only in a file that is given as --config.");
        if (rules.Exists)
            Access = AccessControl.Read(rules);
    }

    private static bool IsSecretStore(ResourceDocument document) =>
        document.Kind == "Component" && (document.Root.Object("spec").Text("type") ?? "").StartsWith("secretstores.", StringComparison.Ordinal);

    private static StartFailure Twice(ResourceDocument document) => new($"{document.File}: there are two resources of kind {document.Kind} named {document.Name}.");
}
