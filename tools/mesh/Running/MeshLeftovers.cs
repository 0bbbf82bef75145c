using WhatsAppMesh.LocalPostgres;

namespace WhatsAppMesh.Mesh.Running;

/// <summary>Ends what a launcher left running because it was killed itself.</summary>
internal static class MeshLeftovers
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(15);

    /// <summary>Ends the processes of a mesh whose launcher is gone, each by its id and start time, then its PostgreSQL.</summary>
    public static async Task EndAsync(MeshFolder folder, MeshState state, Action<string> say, CancellationToken cancellationToken)
    {
        foreach (var process in state.Processes.Where(p => p.Identity.IsAlive))
        {
            say($"ending {process.Name} (pid {process.Identity.Pid})");
            process.Identity.Send(Signal.Terminate);
            process.Identity.Send(Signal.Continue);
            if (!await process.Identity.WaitUntilGoneAsync(Patience, cancellationToken))
                process.Identity.Send(Signal.Kill);
        }
        await StopPostgresAsync(folder, say, cancellationToken);
        File.Delete(folder.State);
    }

    /// <summary>Stops a PostgreSQL of this folder that nobody looks after any more.</summary>
    public static async Task StopPostgresAsync(MeshFolder folder, Action<string> say, CancellationToken cancellationToken)
    {
        if (!File.Exists(Path.Combine(folder.PostgresData, "postmaster.pid")) || PostgresBinaries.Find() is not { } binaries)
            return;
        say("stopping the PostgreSQL of an earlier run");
        try
        {
            await PostgresCluster.StopServerAsync(binaries, folder.PostgresData, "fast", cancellationToken);
        }
        catch (PostgresUnavailableException)
        {
            // The file is all that is left of it.
        }
    }
}
