using WhatsAppMesh.DevSidecar.Api;
using WhatsAppMesh.DevSidecar.Components;
using WhatsAppMesh.DevSidecar.Hosting;
using WhatsAppMesh.DevSidecar.Resiliency;

namespace WhatsAppMesh.DevSidecar.Invoke;

/// <summary>
/// The gRPC port: any service is passed on to the app that the metadata names. The sidecar's own gRPC API is not served here
/// (apps use its HTTP API), which it says instead of passing such calls on.
/// </summary>
internal static class GrpcProxy
{
    private static readonly string[] OwnServices = ["dapr.proto.", "grpc.reflection."];

    public static void MapGrpcProxy(this IEndpointRouteBuilder endpoints) =>
        endpoints.Map("/{**method}", ForwardAsync).OnPort(SidecarPort.Grpc);

    private static async Task ForwardAsync(HttpContext context, CallForwarder forwarder, ResiliencyPolicies policies, SidecarFlags flags)
    {
        var path = RequestPath.RawTarget(context);
        if (Array.Exists(OwnServices, service => path.StartsWith("/" + service, StringComparison.Ordinal)))
        {
            GrpcAnswer.Write(context, GrpcCode.Unimplemented,
                $"the development sidecar does not serve {path[1..]} over gRPC: use its HTTP API, or a real Dapr sidecar");
            return;
        }

        var headers = context.Request.Headers;
        var name = headers[CallHeaders.CalleeAppId].FirstOrDefault() ?? headers[CallHeaders.AppId].FirstOrDefault();
        if (string.IsNullOrEmpty(name))
        {
            GrpcAnswer.Write(context, GrpcCode.Unknown,
                $"failed to proxy request: required metadata {CallHeaders.CalleeAppId} or {CallHeaders.AppId} not found");
            return;
        }

        context.Request.Body = new MessageLimitStream(context.Request.Body, flags.MaxBodySize);
        var target = CallTarget.Parse(name, flags.AppId, NoEndpoints);
        var failure = await forwarder.ForwardAsync(context, target, new CallTransformer(path, flags.AppId, target.Name), CallPolicy.ForGrpc(target, path, policies));
        if (failure is not null)
            GrpcAnswer.Write(context, CodeOf(failure), failure.Message);
    }

    private static GrpcCode CodeOf(Exception failure) => failure switch
    {
        NoHostException => GrpcCode.Unknown,
        GrpcFailureException { Code: var code } => code,
        _ => GrpcCode.Unavailable,
    };

    // Only apps of the mesh are called over gRPC.
    private static readonly Dictionary<string, HttpEndpoint> NoEndpoints = [];
}
