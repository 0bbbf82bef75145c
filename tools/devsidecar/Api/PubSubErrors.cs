using Grpc.Core;

namespace WhatsAppMesh.DevSidecar.Api;

/// <summary>The refusals of pub/sub, part of the table of all errors.</summary>
internal static partial class ApiErrors
{
    public static DaprError PubSubsMissing(string pubSub) =>
        new(400, StatusCode.FailedPrecondition, "ERR_PUBSUB_NOT_CONFIGURED", $"pubsub {pubSub} is not configured") { Reason = "DAPR_PUBSUB_NOT_CONFIGURED" };

    public static DaprError PubSubNotFound(string pubSub) =>
        new(404, StatusCode.InvalidArgument, "ERR_PUBSUB_NOT_FOUND", $"pubsub {pubSub} is not found") { Reason = "DAPR_PUBSUB_NOT_FOUND" };

    public static DaprError PubSubNameEmpty(IReadOnlyDictionary<string, string> metadata) =>
        OfPubSub(404, StatusCode.InvalidArgument, "ERR_PUBSUB_EMPTY", "", "pubsub name is empty", "DAPR_PUBSUB_NAME_EMPTY", metadata);

    public static DaprError TopicEmpty(string pubSub, IReadOnlyDictionary<string, string> metadata) => OfPubSub(
        404, StatusCode.InvalidArgument, "ERR_TOPIC_NAME_EMPTY", pubSub, $"topic is empty in pubsub {pubSub}", "DAPR_PUBSUB_TOPIC_NAME_EMPTY", metadata);

    public static DaprError TopicForbidden(string pubSub, string topic, string appId)
    {
        var message = $"topic {topic} is not allowed for app id {appId}";
        return OfPubSub(
            403, StatusCode.PermissionDenied, "ERR_PUBSUB_FORBIDDEN", pubSub, message, "DAPR_PUBSUB_FORBIDDEN",
            new Dictionary<string, string> { ["topic"] = topic, ["error"] = message });
    }

    public static DaprError BadPublishMetadata(string pubSub, string rawPayload, IReadOnlyDictionary<string, string> metadata) => OfPubSub(
        400, StatusCode.InvalidArgument, "ERR_PUBSUB_REQUEST_METADATA", pubSub,
        $"failed deserializing metadata. Error: rawPayload value must be a valid boolean: actual is '{rawPayload}'",
        "DAPR_PUBSUB_METADATA_DESERIALIZATION", metadata);

    public static DaprError NoCloudEvent(string pubSub, string appId, string why) => OfPubSub(
        500, StatusCode.InvalidArgument, "ERR_PUBSUB_CLOUD_EVENTS_SER", pubSub, "cannot create cloudevent", "DAPR_PUBSUB_CLOUD_EVENT_CREATION",
        new Dictionary<string, string> { ["appID"] = appId, ["error"] = why });

    public static DaprError BadEntryId(string pubSub, string topic, string appId)
    {
        const string Why = "entryId is duplicated or not present for entry";
        return OfPubSub(
            400, StatusCode.InvalidArgument, "ERR_PUBSUB_EVENTS_SER", pubSub,
            $"error marshaling events to bytes for topic {topic} pubsub {pubSub}. error: {Why}", "DAPR_PUBSUB_MARSHAL_EVENTS",
            new Dictionary<string, string> { ["appID"] = appId, ["error"] = Why });
    }

    public static DaprError SubscriptionForbidden(string pubSub, string topic) => StreamEnds(
        $"failed to create subscription for {pubSub}: subscription to topic '{topic}' on pubsub '{pubSub}' is not allowed");

    /// <summary>A subscription stream ends, or never begins, for a reason that daprd tells without anything around it.</summary>
    public static DaprError StreamEnds(string why) => new(500, StatusCode.Unknown, "ERR_PUBSUB_SUBSCRIBE", why);

    /// <summary>The body of a bulk publish over HTTP cannot be read.</summary>
    public static DaprError BadEvents(string message) => new(400, StatusCode.InvalidArgument, "ERR_PUBSUB_EVENTS_SER", message);

    public static DaprError BodyTooLarge { get; } = new(400, StatusCode.InvalidArgument, "ERR_BODY_READ", "failed to read request body: stream too large");

    public static DaprError PublishFailed(string pubSub, string topic)
    {
        const string Why = "the sidecar's database did not take it";
        return OfPubSub(
            500, StatusCode.Internal, "ERR_PUBSUB_PUBLISH_MESSAGE", pubSub, $"error when publishing to topic {topic} in pubsub {pubSub}: {Why}",
            "DAPR_PUBSUB_PUBLISH_MESSAGE", new Dictionary<string, string> { ["topic"] = topic, ["error"] = Why });
    }

    private static DaprError OfPubSub(
        int status, StatusCode code, string errorCode, string pubSub, string message, string reason, IReadOnlyDictionary<string, string> metadata) =>
        new(status, code, errorCode, message) { Reason = reason, Metadata = metadata, Resource = new ErrorResource("pubsub", pubSub, message) };
}
