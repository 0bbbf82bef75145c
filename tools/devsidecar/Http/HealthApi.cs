using WhatsAppMesh.DevSidecar.Api;
using WhatsAppMesh.DevSidecar.Hosting;

namespace WhatsAppMesh.DevSidecar.Http;

/// <summary>
/// Health as daprd tells it: outbound (the app may call the sidecar) once components are up, healthy once the app has been reached
/// too. Needs no API token. Stays healthy when the app goes away again.
/// </summary>
internal static class HealthApi
{
    public static void MapHealthApi(this IEndpointRouteBuilder endpoints)
    {
        var health = endpoints.MapGroup("/v1.0/healthz").OnPort(SidecarPort.Http);
        health.MapGet("", Get);
        health.MapGet("/outbound", GetOutbound);
    }

    private static IResult Get(string? appid, SidecarState state, SidecarFlags flags)
    {
        if (!state.ComponentsUp || !state.AppReachable)
            return new ErrorAnswer(ApiErrors.NotReady);
        return appid is null || appid == flags.AppId
            ? Results.NoContent()
            : new ErrorAnswer(ApiErrors.AppIdMismatch);
    }

    private static IResult GetOutbound(SidecarState state) => state.ComponentsUp
        ? Results.NoContent()
        : new ErrorAnswer(ApiErrors.OutboundNotReady);
}
