using WhatsAppMesh.DevSidecar.Hosting;

namespace WhatsAppMesh.DevSidecar.Http;

/// <summary>Ends the sidecar gracefully, after the answer.</summary>
internal static class ShutdownApi
{
    public static void MapShutdownApi(this IEndpointRouteBuilder endpoints) =>
        endpoints.MapPost("/v1.0/shutdown", Stop).OnPort(SidecarPort.Http);

    private static IResult Stop(HttpContext context, IHostApplicationLifetime lifetime)
    {
        context.Response.OnCompleted(() =>
        {
            lifetime.StopApplication();
            return Task.CompletedTask;
        });
        return Results.NoContent();
    }
}
