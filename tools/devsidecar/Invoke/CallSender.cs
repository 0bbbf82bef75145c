using System.Net;
using WhatsAppMesh.DevSidecar.App;
using WhatsAppMesh.DevSidecar.Hosting;

namespace WhatsAppMesh.DevSidecar.Invoke;

/// <summary>Sends one attempt of a call to its target: the own app's port, another sidecar, or an address outside.</summary>
internal sealed class CallSender(SidecarFlags flags, AppChannel app, Peers peers) : IDisposable
{
    private static readonly UriCreationOptions AsWritten = new() { DangerousDisablePathAndQueryCanonicalization = true };

    private readonly HttpMessageInvoker _outside = new(new SocketsHttpHandler
    {
        UseProxy = false,
        UseCookies = false,
        AllowAutoRedirect = false,
        AutomaticDecompression = DecompressionMethods.None,
        EnableMultipleHttp2Connections = true,
        ActivityHeadersPropagator = null,
        ConnectTimeout = TimeSpan.FromSeconds(15),
        PooledConnectionLifetime = TimeSpan.FromMinutes(5),
    });

    /// <summary>Sends the request; path and query are those of its address, the rest of the address is filled in here.</summary>
    /// <exception cref="CallFailedException">There was no answer of the target itself.</exception>
    public async Task<HttpResponseMessage> SendAsync(CallTarget target, HttpRequestMessage request, CancellationToken cancellationToken)
    {
        var pathAndQuery = request.RequestUri!.PathAndQuery;
        var response = target switch
        {
            CallTarget.Outside outside => await SendOutsideAsync(outside, request, pathAndQuery, cancellationToken),
            CallTarget.OtherApp other => await SendToPeerAsync(other, request, pathAndQuery, cancellationToken),
            _ => await SendToAppAsync(request, pathAndQuery, cancellationToken),
        };
        if (!response.Headers.TryGetValues(CallHeaders.Failure, out var failure))
            return response;

        var why = Uri.UnescapeDataString(failure.First());
        response.Dispose();
        throw response.StatusCode == HttpStatusCode.Forbidden ? new AccessDeniedException(why) : new CallFailedException(why);
    }

    public void Dispose() => _outside.Dispose();

    /// <summary>An address whose path and query stay exactly as the caller wrote them.</summary>
    public static Uri At(string address, string pathAndQuery) => new(address.TrimEnd('/') + pathAndQuery, AsWritten);

    private async Task<HttpResponseMessage> SendOutsideAsync(
        CallTarget.Outside target, HttpRequestMessage request, string pathAndQuery, CancellationToken cancellationToken)
    {
        request.RequestUri = At(target.Endpoint.BaseUrl.AbsoluteUri, pathAndQuery);
        request.Version = HttpVersion.Version11;
        request.VersionPolicy = HttpVersionPolicy.RequestVersionOrHigher;
        request.Headers.Remove(CallHeaders.CallerAppId);
        request.Headers.Remove(CallHeaders.CalleeAppId);
        CallHeaders.RemoveThoseOfSidecars(request.Headers);
        foreach (var (name, value) in target.Endpoint.Headers)
            Set(request, name, value);
        try
        {
            return await _outside.SendAsync(request, cancellationToken);
        }
        catch (HttpRequestException e)
        {
            throw new CallFailedException($"{target.Name} does not answer: {e.Message}", e);
        }
    }

    private async Task<HttpResponseMessage> SendToPeerAsync(
        CallTarget.OtherApp target, HttpRequestMessage request, string pathAndQuery, CancellationToken cancellationToken)
    {
        var self = await peers.SelfAsync(cancellationToken);
        // Nothing of a request has left when its connection was refused, so the next sidecar of the app may have it.
        for (var others = 2; ; others--)
        {
            var peer = await peers.FindAsync(target.AppId, cancellationToken) ?? throw new NoHostException(target.AppId);
            request.RequestUri = At(peer.Address, pathAndQuery);
            Set(request, CallHeaders.Caller, self.Instance.ToString("N"));
            Set(request, CallHeaders.Proof, self.ProofTo(peer.Instance));
            try
            {
                return await app.Invoker.SendAsync(request, cancellationToken);
            }
            catch (HttpRequestException e)
            {
                peers.Report(peer);
                if (others == 0 || e.HttpRequestError != HttpRequestError.ConnectionError)
                    throw new PeerUnreachableException(target.AppId, e);
            }
        }
    }

    private async Task<HttpResponseMessage> SendToAppAsync(HttpRequestMessage request, string pathAndQuery, CancellationToken cancellationToken)
    {
        if (app.Address is not { } address)
            throw new CallFailedException($"the sidecar of {flags.AppId} has no app to call: it was started without --app-port");

        request.RequestUri = At(address.AbsoluteUri, pathAndQuery);
        app.AddToken(request.Headers);
        var unpack = GoCompression.Offer(request);
        try
        {
            var response = await app.Invoker.SendAsync(request, cancellationToken);
            return unpack ? await GoCompression.UnpackAsync(response, cancellationToken) : response;
        }
        catch (HttpRequestException e)
        {
            throw new CallFailedException($"the app {flags.AppId} does not answer: {e.Message}", e);
        }
    }

    private static void Set(HttpRequestMessage request, string name, string value)
    {
        request.Headers.Remove(name);
        request.Headers.TryAddWithoutValidation(name, value);
    }
}
