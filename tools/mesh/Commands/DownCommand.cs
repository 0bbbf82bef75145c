using System.CommandLine;
using WhatsAppMesh.LocalPostgres;
using WhatsAppMesh.Mesh.Running;
using WhatsAppMesh.Mesh.Screens;

namespace WhatsAppMesh.Mesh.Commands;

/// <summary><c>./mesh down</c>: ends the mesh that <c>./mesh up</c> started, from anywhere.</summary>
internal static class DownCommand
{
    private static readonly TimeSpan LauncherPatience = TimeSpan.FromMinutes(2);
    private static readonly TimeSpan ProcessPatience = TimeSpan.FromSeconds(15);

    public static Command Create(MeshContext context)
    {
        var command = new Command("down", "End the mesh. Only processes that it started are ended, each by its id and start time; data is kept.");
        command.Does((_, cancellationToken) => RunAsync(context.Folder, new Screen(), cancellationToken));
        return command;
    }

    private static async Task<int> RunAsync(MeshFolder folder, Screen screen, CancellationToken cancellationToken)
    {
        if (MeshState.Load(folder) is not { } state)
        {
            screen.Line("No mesh is up.");
            return ExitCodes.Ok;
        }
        return await screen.WorkAsync("stopping the mesh", async say =>
        {
            if (state.Launcher.Send(Signal.Terminate) && !await state.Launcher.WaitUntilGoneAsync(LauncherPatience, cancellationToken))
                throw new MeshException($"The launcher (pid {state.Launcher.Pid}) does not end.", ExitCodes.Failed);
            await EndLeftoversAsync(state, say, cancellationToken);
            File.Delete(folder.State);
            screen.Line("The mesh is down.");
            return ExitCodes.Ok;
        });
    }

    /// <summary>What a launcher that was itself killed could not end any more.</summary>
    private static async Task EndLeftoversAsync(MeshState state, Action<string> say, CancellationToken cancellationToken)
    {
        foreach (var process in state.Processes.Where(p => p.Identity.IsAlive))
        {
            say($"ending {process.Name} (pid {process.Identity.Pid})");
            process.Identity.Send(Signal.Terminate);
            process.Identity.Send(Signal.Continue);
            if (!await process.Identity.WaitUntilGoneAsync(ProcessPatience, cancellationToken))
                process.Identity.Send(Signal.Kill);
        }
        if (state.PostgresData is { } data && File.Exists(Path.Combine(data, "postmaster.pid")) && PostgresBinaries.Find() is { } binaries)
        {
            say("stopping PostgreSQL");
            await PostgresCluster.StopServerAsync(binaries, data, "fast", cancellationToken);
        }
    }
}
