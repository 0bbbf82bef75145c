using System.Security.Cryptography;
using System.Text;
using WhatsAppMesh.DevSidecar.Http;
using WhatsAppMesh.DevSidecar.Hosting;

namespace WhatsAppMesh.DevSidecar.Invoke;

/// <summary>
/// The port that other sidecars call, on the loopback address only: every request goes to the app as it is. Callers show the key of
/// this sidecar's row, so the port is no way around the API token; the callee's name is checked, since the port of a sidecar that
/// died may have gone to another one.
/// </summary>
internal static class InternalApi
{
    public static void MapInternalApi(this IEndpointRouteBuilder endpoints) =>
        endpoints.Map("/{**method}", ForwardAsync).OnPort(SidecarPort.Internal);

    private static async Task ForwardAsync(HttpContext context, CallForwarder forwarder, SidecarFlags flags, Peers peers)
    {
        var headers = context.Request.Headers;
        if (peers.Self is not { } self || !IsSame(headers[CallHeaders.PeerKey].ToString(), self.Key))
        {
            Fail(context, 401, "the sidecar that was called does not know the caller");
            return;
        }

        if (headers[CallHeaders.CalleeAppId] != flags.AppId)
        {
            Fail(context, 404, $"the sidecar that was called stands for {flags.AppId}");
            return;
        }

        var transformer = new CallTransformer(RequestPath.RawTarget(context));
        if (await forwarder.ForwardAsync(context, new CallTarget.OwnApp(flags.AppId), transformer, CallPolicy.None) is { } failure)
            Fail(context, 502, failure.Message);
    }

    private static void Fail(HttpContext context, int status, string why)
    {
        context.Response.StatusCode = status;
        context.Response.Headers[CallHeaders.Failure] = Uri.EscapeDataString(why);
    }

    private static bool IsSame(string given, string expected) =>
        CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(given), Encoding.UTF8.GetBytes(expected));
}
