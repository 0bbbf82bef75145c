using Microsoft.AspNetCore.Hosting.Server;
using WhatsAppMesh.DevSidecar.Hosting;

namespace WhatsAppMesh.DevSidecar.Invoke;

/// <summary>Makes the sidecar known to the others once its ports are open, and unknown again before they close.</summary>
internal sealed class PeerMembership(Peers peers, SidecarFlags flags, IServer server, IHostApplicationLifetime lifetime) : BackgroundService
{
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var started = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var starting = lifetime.ApplicationStarted.Register(started.SetResult);
        await started.Task.WaitAsync(stoppingToken);
        await peers.JoinAsync(flags.AppId, server.BoundPort(SidecarPort.Internal), stoppingToken);

        // Stopping is told before the server closes its ports; the services' own stop comes after.
        var stopped = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var stopping = lifetime.ApplicationStopping.Register(stopped.SetResult);
        await stopped.Task;
        await peers.DisposeAsync();
    }
}
