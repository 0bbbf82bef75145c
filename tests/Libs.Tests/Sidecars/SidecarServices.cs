using Dapr.Client;
using Microsoft.Extensions.DependencyInjection;
using WhatsAppMesh.Hosting;

namespace WhatsAppMesh.Libs.Tests.Sidecars;

/// <summary>A service's clients, as its host registers them.</summary>
internal static class SidecarServices
{
    /// <summary>Services that speak to this sidecar.</summary>
    public static ServiceProvider Of(FakeDapr sidecar, string? token, Action<IServiceCollection>? more = null) => Of(sidecar.Http, sidecar.Grpc, token, more);

    /// <summary>The Dapr client of a service beside this sidecar.</summary>
    public static DaprClient ClientOf(Uri http, Uri grpc, string? token = null) => Of(http, grpc, token).GetRequiredService<DaprClient>();

    private static ServiceProvider Of(Uri http, Uri grpc, string? token, Action<IServiceCollection>? more = null)
    {
        var services = new ServiceCollection();
        services.AddLogging();
        services.AddSingleton(new SidecarSettings(http, grpc, token, null));
        services.AddSidecar();
        more?.Invoke(services);
        return services.BuildServiceProvider();
    }
}
