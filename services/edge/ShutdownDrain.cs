using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace WhatsAppMesh.Edge;

/// <summary>
/// Turns readiness off as soon as the process is told to end, and keeps taking requests for a while, until whoever routes to it has
/// noticed. Kestrel then closes the door and finishes what it has accepted.
/// </summary>
public sealed partial class ShutdownDrain(
    IHostApplicationLifetime lifetime, EdgeOptions options, TimeProvider clock, ILogger<ShutdownDrain> logger)
    : IHostedLifecycleService, IHealthCheck
{
    private volatile bool _stopping;

    /// <inheritdoc/>
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default) => Task.FromResult(
        _stopping || lifetime.ApplicationStopping.IsCancellationRequested
            ? HealthCheckResult.Unhealthy("The process is ending.")
            : HealthCheckResult.Healthy());

    /// <inheritdoc/>
    public async Task StoppingAsync(CancellationToken cancellationToken)
    {
        _stopping = true;
        Log.Stopping(logger, options.ShutdownDelaySeconds, options.ShutdownTimeoutSeconds);
        await Task.Delay(TimeSpan.FromSeconds(options.ShutdownDelaySeconds), clock, cancellationToken);
    }

    /// <inheritdoc/>
    public Task StartingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <inheritdoc/>
    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <inheritdoc/>
    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <inheritdoc/>
    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <inheritdoc/>
    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    private static partial class Log
    {
        [LoggerMessage(1030, LogLevel.Information, "Ending: requests are taken for {Delay} s more, accepted ones have {Timeout} s to finish")]
        public static partial void Stopping(ILogger logger, int delay, int timeout);
    }
}
