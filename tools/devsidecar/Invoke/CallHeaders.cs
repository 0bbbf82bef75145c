using System.Net.Http.Headers;

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

    /// <summary>Between sidecars: the row of the one that calls.</summary>
    public const string Caller = "devsidecar-caller";

    /// <summary>Between sidecars: proves that the caller is the one whose row it names.</summary>
    public const string Proof = "devsidecar-proof";

    /// <summary>Between sidecars: the call came over HTTP; without it, over gRPC.</summary>
    public const string OverHttp = "devsidecar-http";

    /// <summary>Between sidecars, on an answer: the app gave none, and why.</summary>
    public const string Failure = "devsidecar-failure";

    /// <summary>Takes away what only sidecars may tell each other.</summary>
    public static void RemoveThoseOfSidecars(HttpRequestHeaders headers)
    {
        foreach (var name in (ReadOnlySpan<string>)[Caller, Proof, OverHttp, Failure])
            headers.Remove(name);
    }
}
