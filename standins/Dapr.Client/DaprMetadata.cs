namespace Dapr.Client;

/// <summary>What a sidecar says about itself.</summary>
/// <param name="id">App id.</param>
/// <param name="actors">Actor types that are hosted.</param>
/// <param name="extended">Attributes, its own and those set by the app.</param>
/// <param name="components">Components that are loaded.</param>
public sealed class DaprMetadata(
    string id,
    IReadOnlyList<DaprActorMetadata> actors,
    IReadOnlyDictionary<string, string> extended,
    IReadOnlyList<DaprComponentsMetadata> components)
{
    /// <summary>App id.</summary>
    public string Id { get; } = id;

    /// <summary>Actor types that are hosted.</summary>
    public IReadOnlyList<DaprActorMetadata> Actors { get; } = actors;

    /// <summary>Attributes, its own and those set by the app.</summary>
    public IReadOnlyDictionary<string, string> Extended { get; } = extended;

    /// <summary>Components that are loaded.</summary>
    public IReadOnlyList<DaprComponentsMetadata> Components { get; } = components;
}

/// <summary>An actor type that a sidecar hosts.</summary>
/// <param name="type">The type.</param>
/// <param name="count">How many are active.</param>
public sealed class DaprActorMetadata(string type, int count)
{
    /// <summary>The type.</summary>
    public string Type { get; } = type;

    /// <summary>How many are active.</summary>
    public int Count { get; } = count;
}

/// <summary>A component that a sidecar loaded.</summary>
/// <param name="name">Name.</param>
/// <param name="type">Type, e.g. <c>state.postgresql</c>.</param>
/// <param name="version">Version, e.g. <c>v2</c>.</param>
/// <param name="capabilities">What it can do, e.g. <c>ETAG</c>.</param>
public sealed class DaprComponentsMetadata(string name, string type, string version, string[] capabilities)
{
    /// <summary>Name.</summary>
    public string Name { get; } = name;

    /// <summary>Type, e.g. <c>state.postgresql</c>.</summary>
    public string Type { get; } = type;

    /// <summary>Version, e.g. <c>v2</c>.</summary>
    public string Version { get; } = version;

    /// <summary>What it can do, e.g. <c>ETAG</c>.</summary>
    public string[] Capabilities { get; } = capabilities;
}
