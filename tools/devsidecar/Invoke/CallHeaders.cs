namespace WhatsAppMesh.DevSidecar.Invoke;

/// <summary>The headers by which sidecars and apps tell each other about a call.</summary>
internal static class CallHeaders
{
    public const string AppId = "dapr-app-id";
    public const string CalleeAppId = "dapr-callee-app-id";
    public const string CallerAppId = "dapr-caller-app-id";
    public const string ApiToken = "dapr-api-token";

    /// <summary>Truthy on a streaming gRPC call: a policy then covers the opening of the stream only.</summary>
    public const string Stream = "dapr-stream";

    /// <summary>Between sidecars: proves that the caller is a sidecar of this mesh.</summary>
    public const string PeerKey = "devsidecar-peer-key";

    /// <summary>Between sidecars, on an answer: the app gave none, and why.</summary>
    public const string Failure = "devsidecar-failure";
}
