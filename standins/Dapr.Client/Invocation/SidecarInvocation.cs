namespace Dapr.Client;

/// <summary>Turns <c>http://APP_ID/path?query</c> into the sidecar's <c>/v1.0/invoke/APP_ID/method/path?query</c>.</summary>
internal sealed class SidecarInvocation(Uri endpoint, string? appId, string? apiToken) : DelegatingHandler(new SocketsHttpHandler())
{
    public static HttpClient CreateClient(string? appId, string endpoint, string? apiToken)
    {
        Uri? address = null;
        if (appId is not null && !Uri.TryCreate($"http://{appId}", UriKind.Absolute, out address))
            throw new ArgumentException($"The app id \"{appId}\" cannot be the host of a URL; use letters, digits, \"-\" and \".\".", nameof(appId));
        return new HttpClient(new SidecarInvocation(new Uri(endpoint), appId, apiToken)) { BaseAddress = address };
    }

    protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        request.RequestUri = Rewrite(request.RequestUri!);
        if (apiToken is not null)
            request.Headers.TryAddWithoutValidation(SidecarHeaders.ApiToken, apiToken);
        return base.SendAsync(request, cancellationToken);
    }

    private Uri Rewrite(Uri uri)
    {
        // Uri puts hosts in lower case, app ids keep theirs.
        var target = string.Equals(uri.Host, appId, StringComparison.OrdinalIgnoreCase) ? appId : uri.Host;
        return new Uri(endpoint, $"/v1.0/invoke/{target}/method{uri.PathAndQuery}");
    }
}
