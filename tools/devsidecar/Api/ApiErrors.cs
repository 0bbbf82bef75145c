using Grpc.Core;
using WhatsAppMesh.DevSidecar.State;

namespace WhatsAppMesh.DevSidecar.Api;

/// <summary>
/// Every refusal of the API, in the words of daprd 1.18: one table for the HTTP and the gRPC door. The older errors of daprd carry no
/// details over gRPC, the newer ones an ErrorInfo and what else belongs to it.
/// </summary>
internal static partial class ApiErrors
{
    /// <summary>A request that names no app: also what a path unknown to the HTTP API is taken for.</summary>
    public static DaprError NoAppId { get; } = new(
        404, StatusCode.NotFound, "ERR_DIRECT_INVOKE", "failed getting app id either from the URL path or the header dapr-app-id");

    public static DaprError Invoke(string id, string why, int status = 500) =>
        new(status, StatusCode.Internal, "ERR_DIRECT_INVOKE", $"failed to invoke, id: {id}, err: {why}");

    public static DaprError NotReady { get; } = new(500, StatusCode.Internal, "ERR_HEALTH_NOT_READY", "dapr is not ready");

    public static DaprError AppIdMismatch { get; } = new(500, StatusCode.Internal, "ERR_HEALTH_APPID_NOT_MATCH", "dapr app-id does not match");

    public static DaprError OutboundNotReady { get; } = new(500, StatusCode.Internal, "ERR_OUTBOUND_HEALTH_NOT_READY", "dapr outbound is not ready");

    public static DaprError SecretStoresMissing { get; } =
        new(500, StatusCode.FailedPrecondition, "ERR_SECRET_STORES_NOT_CONFIGURED", "secret store is not configured");

    public static DaprError SecretStoreNotFound(string store) =>
        new(401, StatusCode.InvalidArgument, "ERR_SECRET_STORE_NOT_FOUND", $"failed finding secret store with key {store}");

    public static DaprError SecretNotFound(string store, string key) => new(
        500, StatusCode.Internal, "ERR_SECRET_GET", $"failed getting secret with key {key} from secret store {store}: secret {key} not found");

    public static DaprError StateStoresMissing(string store) => new(
        500, StatusCode.FailedPrecondition, "ERR_STATE_STORE_NOT_CONFIGURED", $"state store {store} is not configured") { Reason = "DAPR_STATE_NOT_CONFIGURED" };

    public static DaprError StateStoreNotFound(string store) => new(
        400, StatusCode.InvalidArgument, "ERR_STATE_STORE_NOT_FOUND", $"state store {store} is not found") { Reason = "DAPR_STATE_NOT_FOUND" };

    public static DaprError MalformedRequest(string message) => new(400, StatusCode.InvalidArgument, "ERR_MALFORMED_REQUEST", message);

    public static DaprError IllegalStateKey(string store, string key, string message) => new(400, StatusCode.InvalidArgument, "ERR_MALFORMED_REQUEST", message)
    {
        Reason = "DAPR_STATE_ILLEGAL_KEY",
        Resource = new ErrorResource("state", store),
        Field = key,
        HttpMessage = $"api error: code = InvalidArgument desc = {message}",
    };

    public static DaprError EmptyStateKey { get; } =
        new(400, StatusCode.InvalidArgument, "ERR_STATE_SAVE", "state key cannot be empty") { Reason = "ERR_STATE_SAVE" };

    /// <summary>A value that says that it is JSON, and is not: told without anything around it.</summary>
    public static DaprError NoJson(string problem) => new(400, StatusCode.Unknown, "ERR_MALFORMED_REQUEST", problem);

    public static DaprError StateGet(string store, string key, StateException e) =>
        Basic(500, StatusCode.Internal, "ERR_STATE_GET", $"fail to get {key} from state store {store}: {e.Message}");

    public static DaprError StateBulkGet(string store, StateException e) => new(500, StatusCode.Unknown, "ERR_STATE_GET", e.Message)
    {
        HttpMessage = $"fail to get keys from state store {store}: {e.Message}",
    };

    public static DaprError StateSave(string store, StateException e) =>
        OfStore(e, "ERR_STATE_SAVE", $"failed saving state in state store {store}: {e.Message}");

    public static DaprError StateDelete(string key, StateException e) => OfStore(e, "ERR_STATE_DELETE", $"failed deleting state with key {key}: {e.Message}");

    public static DaprError StateBulkDelete(string store, StateException e) =>
        OfStore(e, "ERR_STATE_BULK_DELETE", $"failed deleting state in state store {store}: {e.Message}");

    public static DaprError StateTransaction(StateException e) =>
        Basic(500, StatusCode.Internal, "ERR_STATE_TRANSACTION", $"error while executing state transaction: {e.Message}");

    public static DaprError UnsupportedStateOperation(string operation) =>
        Basic(400, StatusCode.Unimplemented, "ERR_NOT_SUPPORTED_STATE_OPERATION", $"operation type {operation} not supported");

    public static DaprError StateQueryUnsupported(string store) =>
        new(500, StatusCode.Internal, "ERR_STATE_STORE_NOT_SUPPORTED", "state store does not support querying")
        {
            Reason = "DAPR_STATE_QUERYING_NOT_SUPPORTED",
            Resource = new ErrorResource("state", store),
        };

    public static DaprError StateQuery(string store, string why) => new(500, StatusCode.Internal, "ERR_STATE_QUERY", $"state store {store} query failed: {why}")
    {
        Reason = "DAPR_STATE_QUERY_FAILED",
        Resource = new ErrorResource("state", store),
    };

    /// <summary>A part of daprd's HTTP API that this sidecar does not have.</summary>
    public static DaprError Unsupported(string api) => new(
        501, StatusCode.Unimplemented, "ERR_API_UNIMPLEMENTED", $"the development sidecar does not have the {api} API: use a real Dapr sidecar for it");

    /// <summary>The token is missing or wrong; over HTTP daprd answers in plain text instead.</summary>
    public static DaprError Unauthorized(bool tokenGiven) => new(401, StatusCode.Unauthenticated, "ERR_UNAUTHORIZED", "Unauthorized")
    {
        Reason = "Unauthorized",
        Metadata = new Dictionary<string, string>
        {
            ["http.code"] = "401",
            ["http.error_message"] = tokenGiven ? "authentication error: api token mismatch" : "missing api token in request metadata",
        },
    };

    /// <summary>An error whose ErrorInfo names the same code as its HTTP answer.</summary>
    private static DaprError Basic(int status, StatusCode code, string errorCode, string message) => new(status, code, errorCode, message) { Reason = errorCode };

    private static DaprError OfStore(StateException e, string errorCode, string message) => e.Failure switch
    {
        StateFailure.ETagMismatch => Basic(409, StatusCode.Aborted, errorCode, message),
        StateFailure.ETagInvalid => Basic(400, StatusCode.InvalidArgument, errorCode, message),
        _ => Basic(500, StatusCode.Internal, errorCode, message),
    };
}
