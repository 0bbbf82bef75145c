using WhatsAppMesh.DevSidecar.Api;
using WhatsAppMesh.DevSidecar.App;
using WhatsAppMesh.DevSidecar.Components;
using WhatsAppMesh.DevSidecar.Components.Metadata;
using WhatsAppMesh.DevSidecar.PubSub;
using WhatsAppMesh.DevSidecar.PubSub.Delivering;
using WhatsAppMesh.DevSidecar.Http;
using WhatsAppMesh.DevSidecar.Resiliency;
using WhatsAppMesh.DevSidecar.State;
using WhatsAppMesh.DevSidecar.Storage;

namespace WhatsAppMesh.DevSidecar.Hosting;

/// <summary>Puts a sidecar together.</summary>
public static class SidecarServices
{
    /// <summary>Registers everything of a sidecar and opens its ports.</summary>
    /// <exception cref="StartFailure">A resource is broken or asks for what this sidecar does not support.</exception>
    public static void AddSidecar(this WebApplicationBuilder builder, SidecarFlags flags, SidecarSettings settings)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentNullException.ThrowIfNull(flags);
        var resources = ResourceSet.Load(flags);
        PubSubSettings.Check(resources);
        AddLogging(builder, flags);
        builder.AddSidecarPorts(flags);

        var services = builder.Services;
        services.Configure<HostOptions>(host => host.ShutdownTimeout = flags.GracefulShutdown + TimeSpan.FromSeconds(1));
        services.AddSingleton(flags);
        services.AddSingleton(settings);
        services.AddSingleton(resources);
        services.AddSingleton(TimeProvider.System);
        services.AddSingleton<SidecarState>();
        services.AddSingleton<SidecarDatabase>();
        services.AddSingleton<AppChannel>();
        services.AddSingleton(provider => new ResiliencyPolicies(resources.Resiliencies, provider.GetRequiredService<TimeProvider>()));

        services.AddSingleton<RunTimeParameters>();
        services.AddHostedService<SidecarStart>();
        services.AddHostedService<AppPortWatch>();
        services.AddSidecarApi();
        services.AddPubSub();
    }

    /// <summary>Maps the API.</summary>
    /// <exception cref="StartFailure">A component asks for what this sidecar does not support.</exception>
    public static void MapSidecar(this WebApplication app)
    {
        // Whatever asks for something that is not supported ends the start here, before anything runs.
        app.Services.GetRequiredService<StateStores>();
        app.Services.GetRequiredService<SubscriptionSet>();
        ComponentSettings.Check(app.Services.GetRequiredService<ResourceSet>());
        app.UseMiddleware<HeaderLimit>();
        app.UseMiddleware<ApiTokenCheck>();
        app.MapSidecarApi();
        app.MapPublishApi();
    }

    private static void AddLogging(WebApplicationBuilder builder, SidecarFlags flags)
    {
        builder.Logging.ClearProviders();
        builder.Logging.SetMinimumLevel(flags.LogLevel);
        builder.Logging.AddFilter("Microsoft", LogLevel.Warning);
        builder.Logging.AddFilter("Microsoft.Hosting.Lifetime", LogLevel.Information);
        builder.Logging.AddFilter("System.Net.Http", LogLevel.Warning);
        builder.Logging.AddFilter("Yarp", LogLevel.Warning);
        if (flags.LogAsJson)
            builder.Logging.AddJsonConsole();
        else
            builder.Logging.AddSimpleConsole(console => console.SingleLine = true);
    }
}
