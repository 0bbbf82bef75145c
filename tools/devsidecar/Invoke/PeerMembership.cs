using Microsoft.AspNetCore.Hosting.Server;
using WhatsAppMesh.DevSidecar.Access;
using WhatsAppMesh.DevSidecar.Components;
using WhatsAppMesh.DevSidecar.Hosting;

namespace WhatsAppMesh.DevSidecar.Invoke;

/// <summary>Makes the sidecar known to the others once its ports are open, and unknown again before they close.</summary>
internal sealed class PeerMembership(
    Peers peers, SidecarFlags flags, SidecarSettings settings, ResourceSet resources, IServer server, IHostApplicationLifetime lifetime) : BackgroundService
{
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var started = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var starting = lifetime.ApplicationStarted.Register(started.SetResult);
        await started.Task.WaitAsync(stoppingToken);
        var identity = new CallerIdentity(resources.Access?.TrustDomain ?? AccessControl.DefaultTrustDomain, settings.Namespace, flags.AppId);
        await peers.JoinAsync(identity, server.BoundPort(SidecarPort.Internal), stoppingToken);

        // Stopping is told before the server closes its ports; the services' own stop comes after.
        var stopped = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var stopping = lifetime.ApplicationStopping.Register(stopped.SetResult);
        await stopped.Task;
        await peers.DisposeAsync();
    }
}
