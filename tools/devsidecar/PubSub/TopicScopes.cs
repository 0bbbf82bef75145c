using WhatsAppMesh.DevSidecar.Components;

namespace WhatsAppMesh.DevSidecar.PubSub;

/// <summary>Which topics of a component an app may publish and subscribe to: allowedTopics, protectedTopics and the scopes of its metadata.</summary>
internal sealed class TopicScopes
{
    private readonly HashSet<string>? _allowed;
    private readonly HashSet<string>? _protected;
    private readonly HashSet<string>? _publishing;
    private readonly HashSet<string>? _subscribing;

    public TopicScopes(Component component, string appId)
    {
        _allowed = List(component.Setting("allowedTopics"));
        _protected = List(component.Setting("protectedTopics"));
        _publishing = Scope(component.Setting("publishingScopes"), appId);
        _subscribing = Scope(component.Setting("subscriptionScopes"), appId);
    }

    public bool MayPublish(string topic) => May(topic, _publishing);

    public bool MaySubscribe(string topic) => May(topic, _subscribing);

    /// <summary>A protected topic needs a scope that names it; an app without any scope may use all others.</summary>
    private bool May(string topic, HashSet<string>? scope) =>
        (_allowed is null || _allowed.Contains(topic))
        && (scope is null ? _protected?.Contains(topic) != true : scope.Contains(topic));

    /// <summary>The app's part of <c>app1=topic1,topic2;app2=</c>; null when the app is not named.</summary>
    private static HashSet<string>? Scope(string? scopes, string appId)
    {
        foreach (var scope in (scopes ?? "").Split(';', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
        {
            var parts = scope.Split('=', 2, StringSplitOptions.TrimEntries);
            if (parts[0] == appId)
                return List(parts.Length > 1 ? parts[1] : "") ?? [];
        }

        return null;
    }

    private static HashSet<string>? List(string? topics) =>
        topics?.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries) is { Length: > 0 } list ? [.. list] : null;
}
