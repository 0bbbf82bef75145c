using System.Net;
using WhatsAppMesh.DevSidecar.App;
using WhatsAppMesh.DevSidecar.Hosting;
using Yarp.ReverseProxy.Forwarder;

namespace WhatsAppMesh.DevSidecar.Invoke;

/// <summary>Forwards a request to a target and its answer back, bodies and trailers streamed both ways.</summary>
internal sealed class CallForwarder(IHttpForwarder forwarder, CallSender sender, AppChannel app, SidecarFlags flags)
{
    private static readonly ForwarderRequestConfig Config = new()
    {
        // Streams may stay silent for as long as they like: deadlines and policies end calls, not the proxy.
        ActivityTimeout = Timeout.InfiniteTimeSpan,
        Version = HttpVersion.Version20,
        VersionPolicy = HttpVersionPolicy.RequestVersionExact,
    };

    /// <summary>Forwards under a policy; null when the caller has its answer, or is gone, else why there is none, with nothing written yet.</summary>
    public async Task<Exception?> ForwardAsync(HttpContext context, CallTarget target, CallTransformer transformer, CallPolicy policy)
    {
        var grpc = IsGrpc(context.Request);
        // As in Dapr, the limit on calls to the app is one on HTTP calls.
        using var slot = target is CallTarget.OwnApp && !grpc ? await app.EnterAsync(context.RequestAborted) : default;
        using HttpMessageHandler handler = grpc
            ? new GrpcCallHandler(sender, target, policy, context.Request, (int)flags.MaxBodySize) { LimitsAnswers = context.Port() == SidecarPort.Grpc }
            : new HttpCallHandler(sender, target, policy, replayable: HasKnownLength(context));
        using var client = new HttpMessageInvoker(handler);
        var error = await forwarder.SendAsync(context, "http://target", client, Config, transformer);
        if (error == ForwarderError.None || context.Response.HasStarted || context.RequestAborted.IsCancellationRequested)
            return null;

        context.Response.Clear();
        return Cause(context.GetForwarderErrorFeature()?.Exception) ?? new CallFailedException($"the call could not be forwarded ({error})");
    }

    /// <summary>The forwarder may report the failures of both directions together, or wrap ours.</summary>
    private static Exception? Cause(Exception? failure)
    {
        var all = failure is AggregateException several ? several.Flatten().InnerExceptions : failure is null ? [] : [failure];
        return all.Select(e => e.GetBaseException() is BadHttpRequestException or GrpcFailureException ? e.GetBaseException() : e)
            .OrderByDescending(e => e is BadHttpRequestException or CallFailedException).FirstOrDefault();
    }

    private static bool IsGrpc(HttpRequest request) => request.ContentType?.StartsWith("application/grpc", StringComparison.OrdinalIgnoreCase) == true;

    private static bool HasKnownLength(HttpContext context) =>
        context.Request.ContentLength is not null
        || context.Features.Get<Microsoft.AspNetCore.Http.Features.IHttpRequestBodyDetectionFeature>() is { CanHaveBody: false };
}
