using WhatsAppMesh.DevSidecar.Components;
using WhatsAppMesh.DevSidecar.Components.Metadata;
using WhatsAppMesh.DevSidecar.Hosting;
using WhatsAppMesh.GoComponents;

namespace WhatsAppMesh.DevSidecar.State;

/// <summary>Reads the settings of a state component; what has no meaning here but would change what an app sees is refused.</summary>
internal static class StateSettings
{
    private static readonly HashSet<string> Understood = new(StringComparer.OrdinalIgnoreCase)
    {
        "keyPrefix", "cleanupInterval", "cleanupIntervalInSeconds", "actorStateStore",
    };

    public static IStateSemantics ReadSemantics(Component component)
    {
        if (component.Metadata.Keys.FirstOrDefault(name => !Understood.Contains(name) && !IsConnection(component, name)) is { } unknown)
            throw new StartFailure($"Component {component.Name}: the development sidecar does not support the setting {unknown} of a state store.");
        if (GoValues.IsTruthy(component.Setting("actorStateStore")))
            throw new StartFailure($"Component {component.Name}: actorStateStore asks for actors, which the development sidecar does not have.");

        return (component.Type, component.Version) switch
        {
            ("state.postgresql" or "state.postgres", "v2") => new PostgresSemantics(),
            ("state.postgresql" or "state.postgres", _) => throw new StartFailure(
                $"Component {component.Name}: the development sidecar supports version v2 of {component.Type}, not {component.Version}: set spec.version to v2."),
            ("state.redis", "v1") => new RedisSemantics(ReadSeconds(component, "ttlInSeconds")),
            _ => throw new StartFailure(
                $"Component {component.Name}: the development sidecar does not support {component.Type} {component.Version}, only state.postgresql v2 and state.redis v1."),
        };
    }

    public static StateKeyPrefix ReadPrefix(Component component, string appId)
    {
        try
        {
            return StateKeyPrefix.Create(component.Setting("keyPrefix"), component.Name, appId, Environment.GetEnvironmentVariable("NAMESPACE"));
        }
        catch (ArgumentException e)
        {
            throw new StartFailure($"Component {component.Name}: {e.Message}.");
        }
    }

    /// <summary>How often expired keys are removed: an hour unless the component says otherwise; null when it says never.</summary>
    public static TimeSpan? ReadCleanupInterval(Component component)
    {
        var interval = ReadSeconds(component, "cleanupIntervalInSeconds") is { } seconds
            ? TimeSpan.FromSeconds(seconds)
            : component.Setting("cleanupInterval") is { Length: > 0 } text
                ? ReadDuration(component, text)
                : TimeSpan.FromHours(1);
        return interval > TimeSpan.Zero ? interval : null;
    }

    // Where and how the real store is reached, which this sidecar does not do; no app can tell. What another store has, Dapr passes over.
    private static bool IsConnection(Component component, string name) =>
        ComponentTable.IsKnown(name) && (component.Type == "state.redis" || !name.Equals("ttlInSeconds", StringComparison.OrdinalIgnoreCase))
        && !name.Equals("queryIndexes", StringComparison.OrdinalIgnoreCase);

    private static TimeSpan ReadDuration(Component component, string text) =>
        // A bare number counts seconds here, unlike elsewhere.
        GoDuration.Parse(text) ?? (GoValues.ParseInt(text) is { } seconds and < int.MaxValue and > int.MinValue
            ? TimeSpan.FromSeconds(seconds)
            : throw new StartFailure($"Component {component.Name}: cleanupInterval must be a duration such as 30m or 1h, not '{text}'."));

    private static int? ReadSeconds(Component component, string name) => component.Setting(name) is not { Length: > 0 } text
        ? null
        : GoValues.ParseInt(text) is >= int.MinValue and <= int.MaxValue and var seconds
            ? (int)seconds
            : throw new StartFailure($"Component {component.Name}: {name} must be a whole number of seconds, not '{text}'.");
}
