using WhatsAppMesh.DevSidecar.Grpc;
using WhatsAppMesh.DevSidecar.Hosting;
using WhatsAppMesh.DevSidecar.Http;
using WhatsAppMesh.DevSidecar.Invoke;
using WhatsAppMesh.DevSidecar.Secrets;
using WhatsAppMesh.DevSidecar.State;

namespace WhatsAppMesh.DevSidecar.Api;

/// <summary>The APIs beside pub/sub: state, secrets, invocation, health, metadata.</summary>
internal static class SidecarApi
{
    public static void AddSidecarApi(this IServiceCollection services)
    {
        services.AddHttpForwarder();
        services.AddSingleton<StateStores>();
        services.AddHostedService<ExpiredStateCleanup>();
        services.AddSingleton<PeerTable>();
        services.AddSingleton<Peers>();
        services.AddSingleton<CallSender>();
        services.AddSingleton<CallForwarder>();
        services.AddHostedService<PeerMembership>();
        services.AddSingleton<StateEngine>();
        services.AddSingleton<SecretsEngine>();
        services.AddSingleton<InvokeEngine>();
        services.AddSingleton<SidecarMetadata>();
        services.AddGrpcApi();
    }

    public static void MapSidecarApi(this IEndpointRouteBuilder endpoints)
    {
        endpoints.MapHealthApi();
        MetadataApi.Map(endpoints);
        endpoints.MapShutdownApi();
        endpoints.MapStateApi();
        endpoints.MapSecretsApi();
        endpoints.MapUnsupportedApi();
        endpoints.MapInvokeApi();
        endpoints.MapGrpcApi();
        endpoints.MapInternalApi();
    }
}
