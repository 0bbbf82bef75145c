namespace WhatsAppMesh.DevSidecar.State;

/// <summary>What stands before every key of a store, so that applications that share a component do not share keys unless they mean to.</summary>
internal sealed class StateKeyPrefix
{
    private const string Separator = "||";
    private readonly string _prefix;

    private StateKeyPrefix(string prefix) => _prefix = prefix;

    /// <summary>Reads a component's <c>keyPrefix</c>: appid (the default), namespace, name, none, or a text of one's own.</summary>
    /// <exception cref="ArgumentException">The prefix contains the separator.</exception>
    public static StateKeyPrefix Create(string? keyPrefix, string storeName, string appId, string? @namespace)
    {
        CheckKey(keyPrefix ?? "");
        var prefix = (keyPrefix ?? "").Trim().ToLowerInvariant() switch
        {
            "" or "appid" => appId,
            "namespace" => string.IsNullOrEmpty(@namespace) ? appId : $"{@namespace}.{appId}",
            "name" => storeName,
            "none" => null,
            _ => keyPrefix!.Trim(),
        };
        return new StateKeyPrefix(prefix is null ? "" : prefix + Separator);
    }

    /// <exception cref="ArgumentException">The key contains the separator, so it could reach into another application's keys.</exception>
    public static void CheckKey(string key)
    {
        if (key.Contains(Separator, StringComparison.Ordinal))
            throw new ArgumentException($"input key/keyPrefix '{key}' can't contain '{Separator}'");
    }

    public string Apply(string key) => _prefix + key;
}
