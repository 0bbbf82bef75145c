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
    public static void MapInvokeApi(this IEndpointRouteBuilder endpoints)
    {
        endpoints.Map("/v1.0/invoke/{**rest}", InvokeAsync).OnPort(SidecarPort.Http);
        endpoints.MapFallback("/{**path}", InvokeAsync).OnPort(SidecarPort.Http);
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
        RequestBody.Limit(context);
        var failure = await forwarder.ForwardAsync(context, target, new CallTransformer(address.PathAndQuery, flags.AppId, target.Name), policy);
        if (failure is not null)
        {
            var status = failure is BadHttpRequestException { StatusCode: var refused } ? refused : 500;
            await new ErrorAnswer(ApiErrors.Invoke(target.Name, failure.Message, status)).ExecuteAsync(context);
        }
    }
}
