using Grpc.Core;
using WhatsAppMesh.DevSidecar.Components;
using WhatsAppMesh.DevSidecar.Hosting;
using WhatsAppMesh.DevSidecar.Http;
using WhatsAppMesh.DevSidecar.Invoke;
using WhatsAppMesh.DevSidecar.Resiliency;

namespace WhatsAppMesh.DevSidecar.Grpc;

/// <summary>
/// What on the gRPC port is no method of daprd's own service: it is passed on to the app that the metadata names. So server reflection,
/// health and methods that daprd lacks are questions to an app as well.
/// </summary>
internal static class GrpcProxy
{
    /// <summary>How daprd 1.18.3 names itself to the apps that it passes gRPC calls to.</summary>
    private const string Library = "grpc-go/1.82.1";

    public static void MapGrpcProxy(this IEndpointRouteBuilder endpoints) =>
        endpoints.Map("/{**method}", ForwardAsync).OnPort(SidecarPort.Grpc);

    private static async Task ForwardAsync(HttpContext context, CallForwarder forwarder, ResiliencyPolicies policies, SidecarFlags flags, ResourceSet resources)
    {
        var path = RequestPath.RawTarget(context);
        var headers = context.Request.Headers;
        if (Refusal(path, headers, out var name) is { } refusal)
        {
            await GrpcAnswer.WriteAsync(context, StatusCode.Unknown, refusal);
            return;
        }

        context.Request.Body = new MessageLimitStream(context.Request.Body, flags.MaxBodySize);
        var target = CallTarget.Parse(name, flags.AppId, NoEndpoints);
        var remote = target is CallTarget.OtherApp;
        // The own app shows no certificate, so of a call to itself nobody knows whose it is. Over HTTP no such call is checked.
        if (!remote && resources.Access?.Refusal(caller: null, MethodPath.Operation(path, isDecoded: true).Name, verb: null) is { } denied)
        {
            await GrpcAnswer.WriteAsync(context, StatusCode.PermissionDenied, denied);
            return;
        }

        var transformer = new CallTransformer(path) { Apps = remote ? (flags.AppId, target.Name) : null, Traced = remote, UserAgent = Library };
        var failure = await forwarder.ForwardAsync(context, target, transformer, CallPolicy.ForGrpc(target, path, policies));
        if (failure is not null)
            await GrpcAnswer.WriteAsync(context, CodeOf(failure), failure.Message);
    }

    /// <summary>Why a call can go nowhere; null and the name of an app when it can. The wording tells whose service was meant.</summary>
    private static string? Refusal(string path, IHeaderDictionary headers, out string name)
    {
        var given = headers.TryGetValue(CallHeaders.CalleeAppId, out var callee) ? callee : headers[CallHeaders.AppId];
        name = given.Count > 0 ? given[0] ?? "" : "";
        if (given.Count == 0)
        {
            return path.StartsWith($"/{DaprMethods.Service}/", StringComparison.Ordinal)
                ? $"failed to proxy request: required metadata {CallHeaders.CalleeAppId} or {CallHeaders.AppId} not found"
                : $"cannot proxy request: missing {CallHeaders.CalleeAppId} or {CallHeaders.AppId} metadata";
        }

        return InvokeAddress.Problem(name);
    }

    private static StatusCode CodeOf(Exception failure) => failure switch
    {
        NoHostException => StatusCode.Unknown,
        GrpcFailureException { Code: var code } => code,
        _ => StatusCode.Unavailable,
    };

    // Only apps of the mesh are called over gRPC.
    private static readonly Dictionary<string, HttpEndpoint> NoEndpoints = [];
}
