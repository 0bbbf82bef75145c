using System.CommandLine;
using WhatsAppMesh.Mesh.Running;
using WhatsAppMesh.Mesh.Screens;

namespace WhatsAppMesh.Mesh.Commands;

/// <summary><c>./mesh down</c>: ends the mesh that <c>./mesh up</c> started, from anywhere.</summary>
internal static class DownCommand
{
    private static readonly TimeSpan LauncherPatience = TimeSpan.FromMinutes(2);

    public static Command Create(MeshContext context)
    {
        var command = new Command("down", "End the mesh. Only processes that it started are ended, each by its id and start time; data is kept.");
        command.Does((_, cancellationToken) => RunAsync([context.Folder, context.DemoFolder], new Screen(), cancellationToken));
        return command;
    }

    private static async Task<int> RunAsync(IReadOnlyList<MeshFolder> folders, Screen screen, CancellationToken cancellationToken)
    {
        var ended = 0;
        foreach (var folder in folders)
        {
            if (MeshState.Load(folder) is not { } state)
                continue;
            await screen.WorkAsync("stopping the mesh", say => EndAsync(folder, state, say, cancellationToken));
            ended++;
        }
        screen.Line(ended == 0 ? "No mesh is up." : "The mesh is down.");
        return ExitCodes.Ok;
    }

    private static async Task<bool> EndAsync(MeshFolder folder, MeshState state, Action<string> say, CancellationToken cancellationToken)
    {
        if (state.Launcher.Send(Signal.Terminate) && !await state.Launcher.WaitUntilGoneAsync(LauncherPatience, cancellationToken))
            throw new MeshException($"The launcher (pid {state.Launcher.Pid}) does not end.", ExitCodes.Failed);
        await MeshLeftovers.EndAsync(folder, state, say, cancellationToken);
        return true;
    }
}
