namespace WhatsAppMesh.DevSidecar.Tests.PubSub;

/// <summary>Resources of pub/sub tests.</summary>
internal static class PubSubResources
{
    // Without these Kafka's component does not start.
    private static readonly (string Name, string Value)[] Kafka = [("brokers", "nowhere:9092"), ("authType", "none")];

    /// <summary>A pub/sub component.</summary>
    public static string Component(string type = "pubsub.redis", string name = "pubsub", params (string Name, string Value)[] metadata) => $"""
        apiVersion: dapr.io/v1alpha1
        kind: Component
        metadata:
          name: {name}
        spec:
          type: {type}
          version: v1
          metadata: [{string.Join(", ", WithNeeded(type, metadata).Select(item => $"{{name: {item.Name}, value: \"{item.Value}\"}}"))}]
        """;

    /// <summary>A subscription that sends everything to one path.</summary>
    public static string Subscription(string topic, string path, string? deadLetterTopic = null, string extra = "") => $"""
        apiVersion: dapr.io/v2alpha1
        kind: Subscription
        metadata:
          name: {topic.Replace('.', '-')}
        spec:
          pubsubname: pubsub
          topic: {topic}
          routes:
            default: {path}
        {(deadLetterTopic is null ? "" : $"  deadLetterTopic: {deadLetterTopic}")}
        {extra}
        """;

    /// <summary>Delivery in bulk, to be given as the extra of a subscription.</summary>
    public static string Bulk(int messages, int milliseconds) => $$"""
          bulkSubscribe: {enabled: true, maxMessagesCount: {{messages}}, maxAwaitDurationMs: {{milliseconds}}}
        """;

    /// <summary>An inbound policy of the component.</summary>
    public static string Inbound(string retry = "policy: constant, duration: 300ms, maxRetries: 3", string policies = "", string target = "") => $$"""
        apiVersion: dapr.io/v1alpha1
        kind: Resiliency
        metadata:
          name: inbound
        spec:
          policies:
            retries:
              again: { {{retry}} }
        {{policies}}
          targets:
            components:
              pubsub:
                inbound:
                  retry: again
        {{target}}
        """;

    /// <summary>The subscriptions the answers of the real sidecar were recorded with.</summary>
    public static string[] Recorded(bool deadLetters, bool bulk) =>
    [
        Component(),
        Inbound(),
        $$"""
        apiVersion: dapr.io/v2alpha1
        kind: Subscription
        metadata:
          name: events
        spec:
          pubsubname: pubsub
          topic: events
          routes:
            rules:
              - match: event.type == "routed"
                path: /routed
            default: /events
          {{(deadLetters ? "deadLetterTopic: events.dead" : "")}}
          {{(bulk ? Bulk(100, 20).Trim() : "")}}
        ---
        apiVersion: dapr.io/v2alpha1
        kind: Subscription
        metadata:
          name: noroute
        spec:
          pubsubname: pubsub
          topic: noroute
          routes:
            rules:
              - match: event.type == "never"
                path: /never
          {{(deadLetters ? "deadLetterTopic: events.dead" : "")}}
        ---
        {{Subscription("events.dead", "/dead")}}
        """,
    ];

    private static IEnumerable<(string Name, string Value)> WithNeeded(string type, (string Name, string Value)[] metadata) =>
        type == "pubsub.kafka" ? metadata.Concat(Kafka) : metadata;
}
