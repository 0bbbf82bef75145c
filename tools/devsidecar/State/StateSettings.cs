using System.Globalization;
using WhatsAppMesh.DevSidecar.Components;
using WhatsAppMesh.DevSidecar.Hosting;
using WhatsAppMesh.DevSidecar.Resiliency;

namespace WhatsAppMesh.DevSidecar.State;

/// <summary>Reads the settings of a state component; what has no meaning here but would change what an app sees is refused.</summary>
internal static class StateSettings
{
    private static readonly HashSet<string> Understood = new(StringComparer.OrdinalIgnoreCase)
    {
        "keyPrefix", "cleanupInterval", "cleanupIntervalInSeconds", "actorStateStore",
    };

    /// <summary>Where and how the real store is reached, which this sidecar does not do; no app can tell.</summary>
    private static readonly HashSet<string> Connection = new(StringComparer.OrdinalIgnoreCase)
    {
        // state.postgresql
        "connectionString", "host", "hostaddr", "port", "database", "user", "password", "sslRootCert", "timeout", "timeoutInSeconds", "tablePrefix",
        "tableName", "metadataTableName", "maxConns", "connectionMaxIdleTime", "queryExecMode", "disableTLS",
        // state.redis
        "redisHost", "redisPassword", "redisUsername", "redisDB", "redisType", "redisMaxRetries", "redisMinRetryInterval", "redisMaxRetryInterval",
        "enableTLS", "clientCert", "clientKey", "failover", "sentinelMasterName", "sentinelUsername", "sentinelPassword", "maxRetries", "maxRetryBackoff",
        "dialTimeout", "readTimeout", "writeTimeout", "poolSize", "poolTimeout", "maxConnAge", "minIdleConns", "idleCheckFrequency", "idleTimeout",
        "redeliverInterval", "processingTimeout", "queueDepth", "concurrency",
    };

    public static IStateSemantics ReadSemantics(Component component)
    {
        var redis = component.Type == "state.redis";
        var unknown = component.Metadata.Keys.FirstOrDefault(
            name => !Understood.Contains(name) && !Connection.Contains(name) && !(redis && name.Equals("ttlInSeconds", StringComparison.OrdinalIgnoreCase)));
        if (unknown is not null)
            throw new StartFailure($"Component {component.Name}: the development sidecar does not support the setting {unknown} of a state store.");
        if (component.Setting("actorStateStore") is { } actors && actors is not ("" or "false"))
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

    private static TimeSpan ReadDuration(Component component, string text)
    {
        // A bare number counts seconds here, unlike elsewhere.
        if (int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var seconds))
            return TimeSpan.FromSeconds(seconds);
        return Durations.Parse(text)
            ?? throw new StartFailure($"Component {component.Name}: cleanupInterval must be a duration such as 30m or 1h, not '{text}'.");
    }

    private static int? ReadSeconds(Component component, string name) => component.Setting(name) is not { Length: > 0 } text
        ? null
        : int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var seconds)
            ? seconds
            : throw new StartFailure($"Component {component.Name}: {name} must be a whole number of seconds, not '{text}'.");
}
