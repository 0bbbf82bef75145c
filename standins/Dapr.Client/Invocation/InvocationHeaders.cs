using Grpc.Core;

namespace Dapr.Client;

/// <summary>Headers that tell the sidecar which app a gRPC call is for.</summary>
internal sealed class InvocationHeaders(string appId, string? apiToken)
{
    /// <summary>The call's own headers and those of the sidecar.</summary>
    public Metadata Add(Metadata headers)
    {
        // The caller's object is left alone: it may be shared between calls.
        var all = new Metadata();
        foreach (var header in headers)
            all.Add(header);
        all.Add(SidecarHeaders.AppId, appId);
        if (apiToken is not null)
            all.Add(SidecarHeaders.ApiToken, apiToken);
        return all;
    }
}
