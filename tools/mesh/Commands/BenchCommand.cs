using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using WhatsAppMesh.Mesh.Bench;
using WhatsAppMesh.Mesh.Running;
using WhatsAppMesh.Mesh.Screens;

namespace WhatsAppMesh.Mesh.Commands;

/// <summary><c>./mesh bench</c>: measures.</summary>
internal static class BenchCommand
{
    private const int ShortestSeconds = 20;

    private static readonly Option<int> Seconds = new("--seconds") { Description = $"Seconds measured per contender, at least {ShortestSeconds}.", DefaultValueFactory = _ => ShortestSeconds };

    private static readonly Option<int> Connections = new("--connections") { Description = "Requests in flight.", DefaultValueFactory = _ => 64 };

    public static Command Create(MeshContext context)
    {
        var json = MeshCommands.Json();
        var ingest = new Command(
            "ingest",
            "Measure ingest beside a bare Kestrel with a group commit and one with an INSERT per request, then the whole path to membership.")
        {
            Seconds, Connections, json,
        };
        ingest.Does((parsed, cancellationToken) => RunAsync(
            context, parsed.GetValue(Seconds), parsed.GetValue(Connections), parsed.GetValue(json), cancellationToken));
        return new Command("bench", "Measure.") { ingest, BenchDispatchCommand.Create(context), BenchFaultsCommand.Create(context) };
    }

    private static async Task<int> RunAsync(MeshContext context, int seconds, int connections, bool json, CancellationToken cancellationToken)
    {
        if (seconds < ShortestSeconds || connections is < 1 or > 1024)
            throw new MeshException($"--seconds is at least {ShortestSeconds}, --connections from 1 to 1024.", ExitCodes.Usage);
        var screen = new Screen(json);
        MeshInstance.RefuseSecond(context.Folder);
        await screen.WorkAsync("building", async say =>
        {
            var build = new MeshBuild(context.Repository, context.Folder);
            var peers = Path.Combine(context.Repository, "bench", "IngestPeers", "IngestPeers.csproj");
            await build.BuildAsync("bench", [.. build.ServiceProjects(context.Options(context.Folder)), peers], say, cancellationToken);
            return true;
        });
        var place = new BenchPlace(context.Repository, context.Folder, context.Options);
        var answer = await new IngestBench(place, new BenchPlan(TimeSpan.FromSeconds(seconds), connections), screen).RunAsync(cancellationToken);
        if (json)
            Console.Out.WriteLine(JsonSerializer.Serialize(answer, MeshJson.Default.BenchAnswer));
        else
            Show(answer, connections, screen);
        return answer.Figures.All(f => f.Refused == 0) ? ExitCodes.Ok : ExitCodes.Failed;
    }

    private static void Show(BenchAnswer answer, int connections, Screen screen)
    {
        screen.Heading($"{connections} connections, {Environment.ProcessorCount} processors");
        screen.Table(["", "accepted/s", "applied/s", "p50 ms", "p95 ms", "p99 ms", "refused"], [.. answer.Figures.Select(f => new[]
        {
            f.Name, Number(f.AcceptedPerSecond, "N0"), f.AppliedPerSecond is { } applied ? Number(applied, "N0") : "",
            Number(f.P50Ms, "N1"), Number(f.P95Ms, "N1"), Number(f.P99Ms, "N1"), Number(f.Refused, "N0"),
        })]);
        screen.Line($"ingest accepts {answer.ShareOfGroupCommit:P0} of what the bare group commit does, and {answer.TimesInsertPerRequest:N1} times what one INSERT per request does.");
    }

    private static string Number(double value, string format) => value.ToString(format, CultureInfo.InvariantCulture);
}
