using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using WhatsAppMesh.Mesh.Running;
using WhatsAppMesh.Mesh.Screens;

namespace WhatsAppMesh.Mesh.Commands;

/// <summary>What <c>./mesh status --json</c> prints.</summary>
/// <param name="Up">True while any of it runs.</param>
/// <param name="AllReady">True when every process is ready and none degraded.</param>
/// <param name="LauncherPid">Who started it.</param>
/// <param name="PostgresPort">Port of its own PostgreSQL.</param>
/// <param name="Processes">All processes, in the order in which they are ended.</param>
/// <param name="LauncherAlive">False: nobody watches it any more.</param>
internal sealed record StatusAnswer(
    bool Up, bool AllReady, int? LauncherPid, int? PostgresPort, IReadOnlyList<ProcessStatus> Processes, bool? LauncherAlive = null);

/// <summary><c>./mesh status</c>: what runs, and whether it is ready.</summary>
internal static class StatusCommand
{
    public static Command Create(MeshContext context)
    {
        var json = MeshCommands.Json();
        var command = new Command("status", "Say what runs and whether it is ready. Exit code 0 only when everything is, and nothing degraded.")
        {
            json,
        };
        command.Does((parsed, cancellationToken) => RunAsync(Up(context), parsed.GetValue(json), cancellationToken));
        return command;
    }

    /// <summary>Says it, as a table or as JSON.</summary>
    /// <returns>The exit code.</returns>
    public static async Task<int> RunAsync(MeshFolder folder, bool json, CancellationToken cancellationToken)
    {
        var answer = await AskAsync(folder, cancellationToken);
        if (json)
            Console.Out.WriteLine(JsonSerializer.Serialize(answer, MeshJson.Default.StatusAnswer));
        else
            Show(answer, new Screen());
        return answer.AllReady ? ExitCodes.Ok : ExitCodes.Failed;
    }

    /// <summary>What a folder's mesh says.</summary>
    public static async Task<StatusAnswer> AskAsync(MeshFolder folder, CancellationToken cancellationToken)
    {
        if (MeshState.Load(folder) is not { } state || !state.IsAlive())
            return new StatusAnswer(false, false, null, null, []);
        var processes = await MeshStatus.AskAsync(state, cancellationToken);
        var isWell = state.Launcher.IsAlive && processes.All(static process => process.IsWell);
        return new StatusAnswer(true, isWell, state.Launcher.Pid, state.PostgresPort, processes, state.Launcher.IsAlive);
    }

    // The demo's mesh has a folder of its own, and there is only one mesh at a time.
    private static MeshFolder Up(MeshContext context) =>
        MeshState.Load(context.DemoFolder) is { } demo && demo.IsAlive() ? context.DemoFolder : context.Folder;

    private static void Show(StatusAnswer answer, Screen screen)
    {
        if (!answer.Up)
        {
            screen.Line("No mesh is up. Start one with './mesh up'.");
            return;
        }
        screen.Table(["process", "pid", "status", "address", "log"], [.. answer.Processes.Select(p => new[]
        {
            p.Name, p.Pid.ToString(CultureInfo.InvariantCulture), p.Status, p.Address?.ToString() ?? "", p.Log,
        })]);
        foreach (var degraded in answer.Processes.Where(static p => p.Reason is not null))
            screen.Line($"{degraded.Name} is degraded: {degraded.Reason}");
        if (answer.LauncherAlive == false)
            screen.Line("The launcher is gone: end what still runs with './mesh down'.");
        if (answer.PostgresPort is { } port)
            screen.Line($"PostgreSQL: 127.0.0.1:{port}");
    }
}
