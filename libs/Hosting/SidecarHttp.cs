namespace WhatsAppMesh.Hosting;

/// <summary>How every HTTP client of the sidecar behaves.</summary>
public static class SidecarHttp
{
    /// <summary>
    /// A client of the sidecar's HTTP API that shows the token. It follows no redirect: an invoked service may answer one to any address, and
    /// the token would go there with the request. It takes no proxy, whatever the environment names.
    /// </summary>
    /// <param name="sidecar">Where the sidecar is, and what it wants to see.</param>
    /// <param name="traced">Calls are made part of the trace; false for what is asked on a timer.</param>
    public static HttpClient ClientOf(SidecarSettings sidecar, bool traced = true)
    {
        ArgumentNullException.ThrowIfNull(sidecar);
        var connections = new SocketsHttpHandler { UseProxy = false, AllowAutoRedirect = false, UseCookies = false };
        if (!traced)
            connections.ActivityHeadersPropagator = null;
        var client = new HttpClient(connections) { BaseAddress = sidecar.HttpEndpoint };
        if (sidecar.ApiToken is { } token)
            client.DefaultRequestHeaders.TryAddWithoutValidation(SidecarSettings.TokenHeader, token);
        return client;
    }

    /// <summary>The path under which the sidecar passes a call on to an app or an <c>HTTPEndpoint</c>.</summary>
    /// <param name="target">Its app id or name.</param>
    /// <param name="path">The path at the target, escaped, with its query; begins with "/".</param>
    public static string InvokePath(string target, string path) => $"/v1.0/invoke/{Uri.EscapeDataString(target)}/method{path}";
}
