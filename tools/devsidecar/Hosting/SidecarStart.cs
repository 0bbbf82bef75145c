using WhatsAppMesh.DevSidecar.Components;
using WhatsAppMesh.DevSidecar.Components.Metadata;
using WhatsAppMesh.DevSidecar.Storage;

namespace WhatsAppMesh.DevSidecar.Hosting;

/// <summary>Runs before the ports open: says what has no effect, creates the tables.</summary>
internal sealed partial class SidecarStart(
    SidecarFlags flags, ResourceSet resources, RunTimeParameters parameters, SidecarDatabase database, SidecarState state,
    ILogger<SidecarStart> logger) : IHostedService
{
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        foreach (var warning in resources.Warnings)
            Log.Resource(logger, warning);
        if (flags.Ignored.Count > 0)
            Log.IgnoredFlags(logger, string.Join(", ", flags.Ignored.Select(name => $"--{name}")));

        await database.EnsureSchemaAsync(cancellationToken);
        await parameters.CheckAsync(cancellationToken);
        state.SetComponentsUp();
        Log.Loaded(logger, flags.AppId, resources.Components.Count, resources.Subscriptions.Count, resources.Resiliencies.Count);
    }

    public Task StopAsync(CancellationToken cancellationToken)
    {
        state.SetDraining();
        return Task.CompletedTask;
    }

    private static partial class Log
    {
        [LoggerMessage(9310, LogLevel.Warning, "{Warning}")]
        public static partial void Resource(ILogger logger, string warning);

        [LoggerMessage(9311, LogLevel.Information, "Flags without effect on the development sidecar: {Flags}")]
        public static partial void IgnoredFlags(ILogger logger, string flags);

        [LoggerMessage(9312, LogLevel.Information, "Sidecar of {AppId}: {Components} components, {Subscriptions} declared subscriptions, {Resiliencies} resiliency resources")]
        public static partial void Loaded(ILogger logger, string appId, int components, int subscriptions, int resiliencies);
    }
}
