using System.Diagnostics;
using Yarp.ReverseProxy.Forwarder;

namespace WhatsAppMesh.DevSidecar.Invoke;

/// <summary>Prepares the request of a call: no header of the hop before, none that a client could use to pose as a sidecar.</summary>
/// <param name="pathAndQuery">Path and query at the target.</param>
internal sealed class CallTransformer(string pathAndQuery) : HttpTransformer
{
    /// <summary>The caller and the callee, told on the way to another sidecar; null on the way to the own app, which is told neither.</summary>
    public (string Caller, string Callee)? Apps { get; init; }

    /// <summary>The call is made part of a trace.</summary>
    public bool Traced { get; init; }

    /// <summary>What stands for the client's own name; null = that stays.</summary>
    public string? UserAgent { get; init; }

    /// <summary>The answer is given as daprd's HTTP API does: errors in one piece with their length, all else as it comes.</summary>
    public bool OverHttp { get; init; }

    public override async ValueTask TransformRequestAsync(
        HttpContext httpContext, HttpRequestMessage proxyRequest, string destinationPrefix, CancellationToken cancellationToken)
    {
        await base.TransformRequestAsync(httpContext, proxyRequest, destinationPrefix, cancellationToken);
        var headers = proxyRequest.Headers;
        headers.Host = null;
        headers.Remove(CallHeaders.AppId);
        headers.Remove(CallHeaders.ApiToken);
        CallHeaders.RemoveThoseOfSidecars(headers);
        if (UserAgent is not null)
        {
            headers.Remove("user-agent");
            headers.TryAddWithoutValidation("user-agent", UserAgent);
        }

        if (Apps is var (caller, callee))
        {
            headers.Remove(CallHeaders.CallerAppId);
            headers.Remove(CallHeaders.CalleeAppId);
            headers.Add(CallHeaders.CallerAppId, caller);
            headers.Add(CallHeaders.CalleeAppId, callee);
            if (OverHttp)
                headers.Add(CallHeaders.OverHttp, "1");
        }

        if (Traced && !headers.Contains("traceparent"))
            headers.Add("traceparent", NewTrace());
        proxyRequest.RequestUri = CallSender.At("http://target", pathAndQuery);
    }

    public override async ValueTask<bool> TransformResponseAsync(HttpContext httpContext, HttpResponseMessage? proxyResponse, CancellationToken cancellationToken)
    {
        if (!OverHttp || proxyResponse is null)
            return await base.TransformResponseAsync(httpContext, proxyResponse, cancellationToken);

        // daprd keeps an error in one piece for its policies, unless the request came as a stream, which it could not repeat.
        var failed = (int)proxyResponse.StatusCode >= 400 && !httpContext.Request.Headers.ContainsKey("Transfer-Encoding");
        if (failed)
            await proxyResponse.Content.LoadIntoBufferAsync(cancellationToken);
        var result = await base.TransformResponseAsync(httpContext, proxyResponse, cancellationToken);
        if (failed)
            httpContext.Response.ContentLength = proxyResponse.Content.Headers.ContentLength;
        else if (httpContext.Response.ContentLength > 0)
            httpContext.Response.ContentLength = null;
        return result;
    }

    /// <summary>The first span of a new trace.</summary>
    public static string NewTrace() => $"00-{ActivityTraceId.CreateRandom()}-{ActivitySpanId.CreateRandom()}-00";
}
