using WhatsAppMesh.DevSidecar.Api;
using WhatsAppMesh.DevSidecar.Components;
using WhatsAppMesh.DevSidecar.Hosting;
using WhatsAppMesh.DevSidecar.Invoke;
using WhatsAppMesh.DevSidecar.Resiliency;

namespace WhatsAppMesh.DevSidecar.Http;

/// <summary>
/// Service invocation over HTTP: any verb on <c>/v1.0/invoke/APP/method/METHOD</c>, or on any path that is not an API of the sidecar
/// when a <c>dapr-app-id</c> header names the app. The callee's status, headers and body come back as they are.
/// </summary>
internal static class InvokeApi
{
    private const string TooLarge = "stream too large";

    /// <summary>Larger bodies are not even read to the end, so that their senders may see no answer.</summary>
    private const long MostDrained = 64 * 1024 * 1024;

    public static void MapInvokeApi(this IEndpointRouteBuilder endpoints)
    {
        endpoints.Map("/v1.0/invoke/{**rest}", InvokeAsync).OnPort(SidecarPort.Http);
        endpoints.MapFallback("/{**path}", InvokeAsync).OnPort(SidecarPort.Http);
    }

    /// <summary>Refuses a body that is too large, after reading it: a client that is still sending sees no answer.</summary>
    private static async Task RefuseAsync(HttpContext context, CallTarget target)
    {
        if (context.Request.ContentLength <= MostDrained)
            await context.Request.Body.CopyToAsync(Stream.Null, context.RequestAborted);
        context.Response.Headers.Connection = "close";
        await new ErrorAnswer(ApiErrors.Invoke(target.Name, TooLarge)).ExecuteAsync(context);
    }

    private static async Task InvokeAsync(
        HttpContext context, CallForwarder forwarder, ResiliencyPolicies policies, SidecarFlags flags,
        ResourceSet resources, TimeProvider time)
    {
        var headers = context.Request.Headers;
        var address = InvokeAddress.Find(RequestPath.RawTarget(context), headers[CallHeaders.AppId], headers.Authorization);
        if (address is null)
        {
            await new ErrorAnswer(ApiErrors.NoAppId).ExecuteAsync(context);
            return;
        }

        var target = CallTarget.Parse(address.Target, flags.AppId, resources.HttpEndpoints);
        var policy = CallPolicy.ForHttp(target, address.PathAndQuery, policies, time);
        if (context.Request.ContentLength > flags.MaxBodySize)
        {
            await RefuseAsync(context, target);
            return;
        }

        RequestBody.Limit(context);
        var transformer = new CallTransformer(address.PathAndQuery)
        {
            Apps = target is CallTarget.OwnApp ? null : (flags.AppId, target.Name),
            Traced = true,
            OverHttp = true,
        };
        var failure = await forwarder.ForwardAsync(context, target, transformer, policy);
        if (failure is not null)
        {
            // The connection cannot be used again while the rest of a body that is too large stands in it.
            if (failure is BadHttpRequestException)
                context.Response.Headers.Connection = "close";
            var status = failure is AccessDeniedException ? StatusCodes.Status403Forbidden : StatusCodes.Status500InternalServerError;
            await new ErrorAnswer(ApiErrors.Invoke(target.Name, failure is BadHttpRequestException ? TooLarge : failure.Message, status)).ExecuteAsync(context);
        }
    }
}
