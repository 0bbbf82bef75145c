using Grpc.AspNetCore.Server.Model;
using WhatsAppMesh.DevSidecar.Hosting;

namespace WhatsAppMesh.DevSidecar.Grpc;

/// <summary>The gRPC door: daprd's own service, and the proxy to the services of apps.</summary>
internal static class GrpcApi
{
    public static void AddGrpcApi(this IServiceCollection services)
    {
        services.AddGrpc(grpc =>
        {
            // What this service lacks goes to the proxy, which has the answers for it.
            grpc.IgnoreUnknownServices = true;
            // Messages are measured where they are read, to be refused in daprd's words.
            grpc.MaxReceiveMessageSize = null;
            grpc.MaxSendMessageSize = null;
        });
        services.AddSingleton<StateCalls>();
        services.AddSingleton<SecretCalls>();
        services.AddSingleton<PublishCalls>();
        services.AddSingleton<SubscribeCalls>();
        services.AddSingleton<InvokeCalls>();
        services.AddSingleton<MetadataCalls>();
        services.AddSingleton<AbsentCalls>();
        services.AddSingleton<DaprService>();
        services.AddSingleton<IServiceMethodProvider<DaprService>, DaprMethods>();
    }

    public static void MapGrpcApi(this IEndpointRouteBuilder endpoints)
    {
        endpoints.MapGrpcService<DaprService>().OnPort(SidecarPort.Grpc);
        endpoints.MapGrpcProxy();
    }
}
