using System.Diagnostics;
using Yarp.ReverseProxy.Forwarder;

namespace WhatsAppMesh.DevSidecar.Invoke;

/// <summary>Prepares the request of a call: no header of the hop before, none that a client could use to pose as a sidecar.</summary>
/// <param name="pathAndQuery">Path and query at the target.</param>
/// <param name="callerAppId">Set by the caller's sidecar; null on the callee's side, where the headers are already right.</param>
/// <param name="calleeAppId">The app that is called; null on the callee's side.</param>
internal sealed class CallTransformer(string pathAndQuery, string? callerAppId, string? calleeAppId) : HttpTransformer
{
    public override async ValueTask TransformRequestAsync(
        HttpContext httpContext, HttpRequestMessage proxyRequest, string destinationPrefix, CancellationToken cancellationToken)
    {
        await base.TransformRequestAsync(httpContext, proxyRequest, destinationPrefix, cancellationToken);
        var headers = proxyRequest.Headers;
        headers.Host = null;
        headers.Remove(CallHeaders.AppId);
        headers.Remove(CallHeaders.ApiToken);
        headers.Remove(CallHeaders.PeerKey);
        headers.Remove(CallHeaders.Failure);
        if (callerAppId is not null)
        {
            headers.Remove(CallHeaders.CallerAppId);
            headers.Remove(CallHeaders.CalleeAppId);
            headers.Add(CallHeaders.CallerAppId, callerAppId);
            headers.Add(CallHeaders.CalleeAppId, calleeAppId);
            if (!headers.Contains("traceparent"))
                headers.Add("traceparent", $"00-{ActivityTraceId.CreateRandom()}-{ActivitySpanId.CreateRandom()}-00");
        }

        proxyRequest.RequestUri = CallSender.At("http://target", pathAndQuery);
    }
}
