using WhatsAppMesh.DevSidecar.Components;

namespace WhatsAppMesh.DevSidecar.Invoke;

/// <summary>Where a call goes.</summary>
internal abstract record CallTarget(string Name)
{
    /// <summary>This sidecar's own app.</summary>
    internal sealed record OwnApp(string AppId) : CallTarget(AppId);

    /// <summary>An app behind another sidecar.</summary>
    internal sealed record OtherApp(string AppId) : CallTarget(AppId);

    /// <summary>A service outside the mesh.</summary>
    internal sealed record Outside(HttpEndpoint Endpoint) : CallTarget(Endpoint.Name);

    /// <summary>
    /// Tells what a name stands for: an HTTPEndpoint, a URL, else an app id, which may carry its namespace (<c>app.namespace</c>).
    /// </summary>
    public static CallTarget Parse(string name, string ownAppId, IReadOnlyDictionary<string, HttpEndpoint> endpoints)
    {
        if (endpoints.TryGetValue(name, out var endpoint))
            return new Outside(endpoint);
        if (Uri.TryCreate(name, UriKind.Absolute, out var url) && url.Scheme is "http" or "https")
            return new Outside(new HttpEndpoint(name, url, []));

        var appId = name == ownAppId ? name : name.Split('.', 2)[0];
        return appId == ownAppId ? new OwnApp(appId) : new OtherApp(appId);
    }
}

/// <summary>A call did not get an answer from its target.</summary>
internal class CallFailedException(string message, Exception? cause = null) : Exception(message, cause);

/// <summary>The callee's access control denies the call; told as grpc-go prints such a status.</summary>
internal sealed class AccessDeniedException(string message) : CallFailedException($"rpc error: code = PermissionDenied desc = {message}");

/// <summary>Nobody answers to the name.</summary>
internal sealed class NoHostException(string appId)
    : CallFailedException("no host found with the given ID")
{
    /// <summary>The name.</summary>
    public string AppId { get; } = appId;
}

/// <summary>The sidecar of another app was found, and could not be reached or broke off.</summary>
internal sealed class PeerUnreachableException(string appId, HttpRequestException cause)
    : CallFailedException($"the sidecar of '{appId}' does not answer: {cause.Message}", cause)
{
    /// <summary>No connection came about, so no byte of the request has left.</summary>
    public bool NothingSent { get; } = cause.HttpRequestError == HttpRequestError.ConnectionError;
}
