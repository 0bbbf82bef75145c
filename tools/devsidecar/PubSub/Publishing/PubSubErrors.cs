using WhatsAppMesh.DevSidecar.Api;

namespace WhatsAppMesh.DevSidecar.PubSub.Publishing;

/// <summary>Error answers of the publish API.</summary>
internal static class PubSubErrors
{
    public static DaprError NotConfigured { get; } = new(
        400, "ERR_PUBSUB_NOT_CONFIGURED", "pubsub is not configured", "DAPR_PUBSUB_NOT_CONFIGURED");

    public static DaprError NotFound(string pubSub) => new(
        404, "ERR_PUBSUB_NOT_FOUND", $"pubsub {pubSub} is not found", "DAPR_PUBSUB_NOT_FOUND", new Dictionary<string, string> { ["pubsubName"] = pubSub });

    public static DaprError Forbidden(string topic, string appId) => new(
        403, "ERR_PUBSUB_FORBIDDEN", $"topic {topic} is not allowed for app id {appId}", "DAPR_PUBSUB_FORBIDDEN");

    public static DaprError BadMetadata(string pubSub, string topic) => new(
        400, "ERR_PUBSUB_REQUEST_METADATA", $"failed deserializing metadata for topic {topic} pubsub {pubSub}: rawPayload must be true or false");

    public static DaprError NoCloudEvent(string pubSub, string topic) => new(
        500, "ERR_PUBSUB_CLOUD_EVENTS_SER", $"error when marshalling cloud event envelope for topic {topic} pubsub {pubSub}: the event is not a JSON object");

    public static DaprError BodyTooLarge { get; } = new(400, "ERR_BODY_READ", "failed to read request body: stream too large");

    public static DaprError BadEvents(string message) => new(400, "ERR_PUBSUB_EVENTS_SER", message);

    public static DaprError Failed(string pubSub, string topic) => new(
        500, "ERR_PUBSUB_PUBLISH_MESSAGE", $"error when publish to topic {topic} in pubsub {pubSub}: the sidecar's database did not take it", "DAPR_PUBSUB_PUBLISH_MESSAGE");
}
