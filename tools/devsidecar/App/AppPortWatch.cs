using WhatsAppMesh.DevSidecar.Hosting;

namespace WhatsAppMesh.DevSidecar.App;

/// <summary>Waits, without limit, for the app port to accept a connection; nothing is delivered and the sidecar is not healthy before.</summary>
internal sealed partial class AppPortWatch(AppChannel channel, SidecarState state, TimeProvider time, ILogger<AppPortWatch> logger) : BackgroundService
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(50);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        if (channel.Address is { } address)
        {
            Log.Waiting(logger, address);
            while (!await channel.AcceptsAsync(stoppingToken))
                await Task.Delay(Pause, time, stoppingToken);
            Log.Reached(logger, address);
        }

        state.SetAppReachable();
    }

    private static partial class Log
    {
        [LoggerMessage(9300, LogLevel.Information, "Waiting for the app to listen on {Address}")]
        public static partial void Waiting(ILogger logger, Uri address);

        [LoggerMessage(9301, LogLevel.Information, "The app listens on {Address}")]
        public static partial void Reached(ILogger logger, Uri address);
    }
}
