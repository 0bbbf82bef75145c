using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using WhatsAppMesh.Mesh.Running;
using WhatsAppMesh.Mesh.Screens;

namespace WhatsAppMesh.Mesh.Commands;

/// <summary>One process in the answer of <c>./mesh status --json</c>.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Pid">Its process id.</param>
/// <param name="Status">"ready", "gone", or what it says instead.</param>
/// <param name="Address">Its HTTP address.</param>
/// <param name="Log">Its log.</param>
internal sealed record ProcessStatus(string Name, int Pid, string Status, Uri? Address, string Log);

/// <summary>What <c>./mesh status --json</c> prints.</summary>
internal sealed record StatusAnswer(bool Up, bool AllReady, int? LauncherPid, int? PostgresPort, IReadOnlyList<ProcessStatus> Processes);

/// <summary><c>./mesh status</c>: what runs, and whether it is ready.</summary>
internal static class StatusCommand
{
    private const string Ready = "ready";

    public static Command Create(MeshContext context)
    {
        var json = MeshCommands.Json();
        var command = new Command("status", "Say what runs and whether it is ready. Exit code 0 only when everything is.") { json };
        command.Does((parsed, cancellationToken) => RunAsync(context.Folder, parsed.GetValue(json), cancellationToken));
        return command;
    }

    private static async Task<int> RunAsync(MeshFolder folder, bool json, CancellationToken cancellationToken)
    {
        var answer = await AskAsync(folder, cancellationToken);
        if (json)
            Console.Out.WriteLine(JsonSerializer.Serialize(answer, MeshJson.Default.StatusAnswer));
        else
            Show(answer, new Screen());
        return answer.AllReady ? ExitCodes.Ok : ExitCodes.Failed;
    }

    private static async Task<StatusAnswer> AskAsync(MeshFolder folder, CancellationToken cancellationToken)
    {
        if (MeshState.Load(folder) is not { } state || !state.IsAlive())
            return new StatusAnswer(false, false, null, null, []);
        var statuses = new Dictionary<string, (string Status, Uri Address)>();
        foreach (var service in state.Services)
        {
            var report = await Readiness.AskAsync(service.Http, service.DaprHttp, cancellationToken);
            statuses[service.Name] = (report.App ?? Ready, service.Http);
            statuses[service.Name + RunPlan.SidecarSuffix] = (report.Sidecar ?? Ready, service.DaprHttp);
        }
        var processes = state.Processes.Select(p => new ProcessStatus(
            p.Name, p.Identity.Pid, p.Identity.IsAlive ? statuses[p.Name].Status : "gone", statuses[p.Name].Address, p.Log)).ToList();
        return new StatusAnswer(true, processes.TrueForAll(p => p.Status == Ready), state.Launcher.Pid, state.PostgresPort, processes);
    }

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
        if (answer.PostgresPort is { } port)
            screen.Line($"PostgreSQL: 127.0.0.1:{port}");
    }
}
