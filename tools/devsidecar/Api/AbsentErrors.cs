using Grpc.Core;

namespace WhatsAppMesh.DevSidecar.Api;

/// <summary>The refusals of building blocks that are not there, part of the table of all errors.</summary>
internal static partial class ApiErrors
{
    public static DaprError NoPlacement { get; } = new(400, StatusCode.Unavailable, "ERR_ACTOR_NO_PLACEMENT", "placement service is not configured");

    public static DaprError NoActorStream { get; } =
        new(400, StatusCode.FailedPrecondition, "ERR_ACTOR_NO_APP_CHANNEL", "actor callback streaming requires a gRPC app channel");

    public static DaprError NotImplemented { get; } =
        new(501, StatusCode.Unimplemented, "ERR_API_UNIMPLEMENTED", "this API is currently not implemented");

    public static DaprError ConfigurationStoresMissing { get; } =
        Basic(500, StatusCode.FailedPrecondition, "ERR_CONFIGURATION_STORE_NOT_CONFIGURED", "configuration stores not configured");

    public static DaprError CryptoProvidersMissing { get; } =
        new(500, StatusCode.Internal, "ERR_CRYPTO_PROVIDERS_NOT_CONFIGURED", "crypto providers not configured");

    public static DaprError NoFirstChunk { get; } =
        new(500, StatusCode.Internal, "ERR_CRYPTO", "failed to perform operation: error receiving the first message: EOF");

    public static DaprError LockStoresMissing { get; } =
        new(500, StatusCode.FailedPrecondition, "ERR_LOCK_STORE_NOT_CONFIGURED", "lock store is not configured");

    public static DaprError LockExpiryNotPositive(string store) =>
        new(400, StatusCode.InvalidArgument, "ERR_MALFORMED_REQUEST", $"ExpiryInSeconds is not positive in lock store {store}");

    public static DaprError BadRequest(string why) => new(400, StatusCode.InvalidArgument, "ERR_BAD_REQUEST", $"invalid request: {why}");

    public static DaprError BindingNotFound(string name) => Basic(
        500, StatusCode.Internal, "ERR_INVOKE_OUTPUT_BINDING", $"error invoking output binding {name}: couldn't find output binding {name}");

    public static DaprError ConversationNotFound(string name) =>
        new(400, StatusCode.InvalidArgument, "ERR_CONVERSATION_NOT_FOUND", $"failed finding conversation component {name}");

    public static DaprError JobFieldEmpty(string field, string reason, string appId) =>
        new(400, StatusCode.InvalidArgument, reason, $"{field} is empty") { Reason = reason, Metadata = JobMetadata(appId) };

    public static DaprError NoScheduler(string action, string reason, string appId) =>
        new(500, StatusCode.Internal, reason, $"failed to {action} due to: scheduler clients are disabled") { Reason = reason, Metadata = JobMetadata(appId) };

    private static Dictionary<string, string> JobMetadata(string appId) => new()
    {
        ["appID"] = appId,
        ["namespace"] = Environment.GetEnvironmentVariable("NAMESPACE") is { Length: > 0 } given ? given : "default",
    };
}
