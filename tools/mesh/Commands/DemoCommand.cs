using System.CommandLine;
using System.Diagnostics;
using WhatsAppMesh.Mesh.Demo;
using WhatsAppMesh.Mesh.Running;
using WhatsAppMesh.Mesh.Screens;

namespace WhatsAppMesh.Mesh.Commands;

/// <summary><c>./mesh demo</c>: shows the whole path on signed sample traffic, checks every step and cleans up.</summary>
internal static class DemoCommand
{
    private static readonly Option<string?> AccessControl = AccessControlOption.Create();

    public static Command Create(MeshContext context)
    {
        var command = new Command("demo", "Start a fresh mesh, send signed sample traffic, show what became of it, check all of it and clean up.") { AccessControl };
        command.Does((parsed, cancellationToken) => RunAsync(context, parsed, new Screen(), cancellationToken));
        return command;
    }

    private static async Task<int> RunAsync(MeshContext context, ParseResult parsed, Screen screen, CancellationToken cancellationToken)
    {
        var clock = Stopwatch.StartNew();
        var folder = context.DemoFolder;
        var options = (context.Options(folder) with
        {
            RemoveDataAtStop = true,
            Environment = DemoSends.Environment,
            DatabasePrefix = MeshFolder.GivenPostgres is null ? "" : "mesh_demo_",
        }).With(parsed, AccessControl, screen);
        MeshInstance.RefuseSecond(context.Folder);
        MeshInstance.RefuseSecond(folder);
        await MeshLeftovers.StopPostgresAsync(folder, screen.Line, cancellationToken);
        folder.RemoveData();
        var mesh = await screen.WorkAsync("starting a fresh mesh", say => context.StartAsync(options, say, cancellationToken));
        var verdicts = new DemoVerdicts(screen);
        await using (mesh)
        {
            screen.Line($"The mesh is up after {clock.Elapsed.TotalSeconds:F0} s.");
            await ShowAsync(mesh, verdicts, cancellationToken);
        }
        screen.Line();
        screen.Line($"{verdicts.Count - verdicts.Failed} of {verdicts.Count} things came out right, in {clock.Elapsed.TotalSeconds:F0} s.");
        if (verdicts.Failed > 0)
            screen.Line($"The logs are in {folder.Logs}");
        return verdicts.Failed == 0 ? ExitCodes.Ok : ExitCodes.Failed;
    }

    private static async Task ShowAsync(MeshInstance mesh, DemoVerdicts verdicts, CancellationToken cancellationToken)
    {
        var now = TimeProvider.System.GetUtcNow();
        var cast = new DemoCast(now);
        using var client = MeshClient.Through(mesh, "membership");
        var door = new DemoDoor(mesh, cast, verdicts);
        await door.PostAllAsync(cancellationToken);
        var outcome = new DemoOutcome(client, cast, verdicts);
        await outcome.LakeAsync(door.Stored, door.Revisions, cancellationToken);
        await outcome.MembersAsync(cancellationToken);
        await outcome.LargeGroupAsync(cancellationToken);
        await new DemoLate(client, door, verdicts, now).RunAsync(cancellationToken);
        await new DemoPoison(mesh, client, door, verdicts).RunAsync(cancellationToken);
        using var sends = new DemoSends(mesh, client, verdicts);
        await sends.RunAsync(cancellationToken);
    }
}
