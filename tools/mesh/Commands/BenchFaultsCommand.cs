using System.CommandLine;
using System.Diagnostics;
using System.Text.Json;
using WhatsAppMesh.Mesh.Faults;
using WhatsAppMesh.Mesh.Running;
using WhatsAppMesh.Mesh.Screens;

namespace WhatsAppMesh.Mesh.Commands;

/// <summary><c>./mesh bench faults</c>: hurts a fresh mesh under load and counts what became of every event.</summary>
internal static class BenchFaultsCommand
{
    private static readonly Option<int> Seed = new("--seed") { Description = "Seed of faults and traffic: the same seed deals the same faults.", DefaultValueFactory = _ => 1 };

    private static readonly Option<double> Minutes = new("--minutes")
    {
        Description = "How long faults are dealt; the second half runs with one replica of each service.",
        DefaultValueFactory = _ => 5,
    };

    private static readonly Option<double> Rate = new("--rate") { Description = "Events per second and edge.", DefaultValueFactory = _ => 100 };

    private static readonly Option<string?> AccessControl = AccessControlOption.Create();

    public static Command Create(MeshContext context)
    {
        var json = MeshCommands.Json();
        var command = new Command(
            "faults",
            "Kill, pause and restart every kind of process and PostgreSQL in a fresh mesh under load. Exit code 1 when an event is lost or doubled, or something does not recover.")
        {
            Seed, Minutes, Rate, AccessControl, json,
        };
        command.Does((parsed, cancellationToken) => RunAsync(
            context, parsed, parsed.GetValue(Seed), TimeSpan.FromMinutes(parsed.GetValue(Minutes)), parsed.GetValue(Rate), parsed.GetValue(json), cancellationToken));
        return command;
    }

    private static async Task<int> RunAsync(MeshContext context, ParseResult parsed, int seed, TimeSpan duration, double rate, bool json, CancellationToken cancellationToken)
    {
        if (duration < TimeSpan.FromSeconds(30) || duration > TimeSpan.FromHours(12) || rate is not (>= 1 and <= 1000))
            throw new MeshException("--minutes is from 0.5 to 720, --rate from 1 to 1000.", ExitCodes.Usage);
        var screen = new Screen(json);
        MeshInstance.RefuseSecond(context.Folder);
        var options = context.Options(new MeshFolder(Path.Combine(context.Folder.Root, "bench-faults"))).With(parsed, AccessControl, screen);
        await screen.WorkAsync("building", async say =>
        {
            await new MeshBuild(context.Repository, context.Folder).BuildServicesAsync(options, say, cancellationToken);
            return true;
        });
        await using var hurt = await screen.WorkAsync("starting a fresh mesh", say => FaultMesh.StartAsync(options, (long)(2 * rate * duration.TotalSeconds), say, cancellationToken));
        var report = await RunAsync(hurt, new FaultCampaignOptions { Seed = seed, Tenant = FaultMesh.Tenant, Rate = rate }, duration, screen.Line, cancellationToken);
        if (json)
            Console.Out.WriteLine(JsonSerializer.Serialize(report, MeshJson.Default.FaultReport));
        else
            Show(report, screen);
        return report.IsClean ? ExitCodes.Ok : ExitCodes.Failed;
    }

    private static async Task<FaultReport> RunAsync(
        FaultMesh hurt, FaultCampaignOptions options, TimeSpan duration, Action<string> say, CancellationToken cancellationToken)
    {
        await using var campaign = await FaultCampaign.StartAsync(hurt.Mesh, hurt.Actions, options, say, cancellationToken);
        var clock = Stopwatch.StartNew();
        await campaign.RunAsync(Plan(options.Seed, duration / 2), cancellationToken);
        await campaign.ScaleDownAsync();
        await campaign.RunAsync(Plan(options.Seed + 1, duration), cancellationToken);
        return await campaign.FinishAsync(hurt.NotRun, cancellationToken);

        IEnumerable<PlannedFault> Plan(int seed, TimeSpan until) =>
            FaultPlan.Deal(seed, campaign.Processes, hurt.Actions.IsPossible).TakeWhile(_ => clock.Elapsed < until);
    }

    private static void Show(FaultReport report, Screen screen)
    {
        screen.Heading("What was done, and what became of it");
        screen.Table(FaultTable.Headers, FaultTable.Rows(report));
        screen.Line(FaultTable.Totals(report));
        foreach (var fault in report.Faults)
            screen.Verdict(false, fault);
        if (report.IsClean)
            screen.Verdict(true, "posted = stored = applied, nothing doubled, every audit balanced, everything recovered by itself");
    }
}
