using WhatsAppMesh.DevSidecar.Hosting;

namespace WhatsAppMesh.DevSidecar.Components;

/// <summary>How a subscription came to be.</summary>
public enum SubscriptionSource
{
    /// <summary>A Subscription resource.</summary>
    Declarative,

    /// <summary>The app's answer to <c>GET /dapr/subscribe</c>.</summary>
    Programmatic,

    /// <summary>A stream that the app has opened; gone with it.</summary>
    Streaming,
}

/// <summary>One rule of a subscription: the path of events whose type is the given one.</summary>
/// <param name="Match">The rule as written; empty = always.</param>
/// <param name="EventType">The type the rule asks for; null = always.</param>
/// <param name="Path">Path of the app the event is posted to.</param>
public sealed record RouteRule(string Match, string? EventType, string Path);

/// <summary>Deliveries of several events in one request.</summary>
/// <param name="MaxMessages">Most events in one request.</param>
/// <param name="MaxAwait">Longest wait for a request to fill up.</param>
public sealed record BulkSubscribe(int MaxMessages, TimeSpan MaxAwait);

/// <summary>What an app wants of a topic, and where it goes.</summary>
public sealed record Subscription
{
    /// <summary>Name of the pub/sub component.</summary>
    public required string PubSubName { get; init; }

    /// <summary>Name of the topic.</summary>
    public required string Topic { get; init; }

    /// <summary>Rules in order, the default route last; the first that matches wins.</summary>
    public required IReadOnlyList<RouteRule> Rules { get; init; }

    /// <summary>Topic for what cannot be delivered; null = none.</summary>
    public string? DeadLetterTopic { get; init; }

    /// <summary>Delivery in bulk; null = one by one.</summary>
    public BulkSubscribe? Bulk { get; init; }

    /// <summary>Metadata of the subscription, for example <c>rawPayload</c>.</summary>
    public IReadOnlyDictionary<string, string> Metadata { get; init; } = new Dictionary<string, string>();

    /// <summary>Where it was declared.</summary>
    public SubscriptionSource Source { get; init; }

    internal static Subscription Read(ResourceDocument document)
    {
        var root = document.Root.Ignore("apiVersion", "kind", "metadata", "scopes");
        var spec = root.Object("spec");
        var subscription = new Subscription
        {
            PubSubName = spec.Required("pubsubname"),
            Topic = spec.Required("topic"),
            Rules = document.ApiVersion == "dapr.io/v1alpha1" ? [RouteRules.Always(spec.Required("route"))] : ReadRoutes(spec.Object("routes")),
            DeadLetterTopic = spec.Text("deadLetterTopic"),
            Bulk = ReadBulk(spec.Object("bulkSubscribe")),
            Metadata = spec.TextMap("metadata"),
        };
        spec.Done();
        root.Done();
        return subscription;
    }

    private static List<RouteRule> ReadRoutes(YamlObject routes)
    {
        var rules = new List<RouteRule>();
        foreach (var rule in routes.Objects("rules"))
        {
            rules.Add(RouteRules.Parse(rule.Text("match") ?? "", rule.Required("path"), rule.Place));
            rule.Done();
        }

        if (routes.Text("default") is { } path)
            rules.Add(RouteRules.Always(path));
        routes.Done();
        return rules.Count > 0 ? rules : throw new StartFailure($"{routes.Place}: a subscription needs rules or a default.");
    }

    private static BulkSubscribe? ReadBulk(YamlObject bulk)
    {
        var enabled = bulk.Flag("enabled") ?? false;
        var settings = new BulkSubscribe(bulk.Number("maxMessagesCount") ?? 0, TimeSpan.FromMilliseconds(bulk.Number("maxAwaitDurationMs") ?? 0));
        bulk.Done();
        return enabled ? RouteRules.WithDefaults(settings) : null;
    }
}
