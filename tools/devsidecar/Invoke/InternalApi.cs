using Grpc.Core;
using WhatsAppMesh.DevSidecar.Access;
using WhatsAppMesh.DevSidecar.Components;
using WhatsAppMesh.DevSidecar.Grpc;
using WhatsAppMesh.DevSidecar.Hosting;
using WhatsAppMesh.DevSidecar.Http;

namespace WhatsAppMesh.DevSidecar.Invoke;

/// <summary>
/// The port that other sidecars call, on the loopback address only: every request that access control lets through goes to the app as it is.
/// Callers prove which sidecar they are, so the port is no way around the API token, and no app can call in another's name; the callee's name
/// is checked, since the port of a sidecar that died may have gone to another one.
/// </summary>
internal static partial class InternalApi
{
    public static void MapInternalApi(this IEndpointRouteBuilder endpoints) =>
        endpoints.Map("/{**method}", ForwardAsync).OnPort(SidecarPort.Internal);

    private static async Task ForwardAsync(
        HttpContext context, CallForwarder forwarder, SidecarFlags flags, ResourceSet resources, Peers peers, ILogger<AccessControl> logger)
    {
        var headers = context.Request.Headers;
        if (await peers.CallerAsync(headers[CallHeaders.Caller].ToString(), headers[CallHeaders.Proof].ToString(), context.RequestAborted) is not { } caller)
        {
            Fail(context, StatusCodes.Status401Unauthorized, "the sidecar that was called does not know the caller");
            return;
        }

        if (headers[CallHeaders.CalleeAppId] != flags.AppId)
        {
            Fail(context, StatusCodes.Status404NotFound, $"the sidecar that was called stands for {flags.AppId}");
            return;
        }

        var target = RequestPath.RawTarget(context);
        if (resources.Access is { } rules && !await LetsThroughAsync(context, rules, caller, target))
        {
            Log.Denied(logger, caller.AppId, flags.AppId);
            return;
        }

        var transformer = new CallTransformer(target);
        if (await forwarder.ForwardAsync(context, new CallTarget.OwnApp(flags.AppId), transformer, CallPolicy.None) is { } failure)
            Fail(context, StatusCodes.Status502BadGateway, failure.Message);
    }

    /// <summary>False: the call is denied, and the answer written.</summary>
    private static async Task<bool> LetsThroughAsync(HttpContext context, AccessControl rules, CallerIdentity caller, string target)
    {
        var overHttp = context.Request.Headers.ContainsKey(CallHeaders.OverHttp);
        var (operation, problem) = MethodPath.Operation(target, isDecoded: !overHttp);
        if (problem is not null)
        {
            Fail(context, StatusCodes.Status400BadRequest, $"rpc error: code = InvalidArgument desc = {problem}");
            return false;
        }

        if (rules.Refusal(caller, operation, overHttp ? context.Request.Method : null) is not { } refusal)
            return true;
        if (overHttp)
            Fail(context, StatusCodes.Status403Forbidden, refusal);
        else
            await GrpcAnswer.WriteAsync(context, StatusCode.PermissionDenied, refusal);
        return false;
    }

    private static void Fail(HttpContext context, int status, string why)
    {
        context.Response.StatusCode = status;
        context.Response.Headers[CallHeaders.Failure] = Uri.EscapeDataString(why);
    }

    private static partial class Log
    {
        // What was called stays out of it: a path may name somebody. The caller is told.
        [LoggerMessage(9382, LogLevel.Warning, "Access control has denied {Caller} a call of {Callee}")]
        public static partial void Denied(ILogger logger, string caller, string callee);
    }
}
