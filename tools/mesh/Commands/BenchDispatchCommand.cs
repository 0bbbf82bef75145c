using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using WhatsAppMesh.Mesh.Bench;
using WhatsAppMesh.Mesh.Running;
using WhatsAppMesh.Mesh.Screens;

namespace WhatsAppMesh.Mesh.Commands;

/// <summary><c>./mesh bench dispatch</c>: measures claims and sends.</summary>
internal static class BenchDispatchCommand
{
    private const int ShortestSeconds = 4;

    private static readonly Option<int> Seconds = new("--seconds") { Description = $"Seconds measured per contender, at least {ShortestSeconds}.", DefaultValueFactory = _ => 8 };

    public static Command Create(MeshContext context)
    {
        var json = MeshCommands.Json();
        var command = new Command("dispatch", "Measure claims and sends with 1, 2 and 8 workers over 100,000 due jobs, beside a plain FOR UPDATE SKIP LOCKED loop.") { Seconds, json };
        command.Does((parsed, cancellationToken) => RunAsync(context, parsed.GetValue(Seconds), parsed.GetValue(json), cancellationToken));
        return command;
    }

    private static async Task<int> RunAsync(MeshContext context, int seconds, bool json, CancellationToken cancellationToken)
    {
        if (seconds < ShortestSeconds)
            throw new MeshException($"--seconds is at least {ShortestSeconds}.", ExitCodes.Usage);
        var screen = new Screen(json);
        MeshInstance.RefuseSecond(context.Folder);
        await screen.WorkAsync("building", async say =>
        {
            await new MeshBuild(context.Repository, context.Folder).BuildServicesAsync(context.Options(context.Folder), say, cancellationToken);
            return true;
        });
        var place = new BenchPlace(context.Repository, context.Folder, context.Options);
        var answer = await new DispatchBench(place, TimeSpan.FromSeconds(seconds), screen).RunAsync(cancellationToken);
        if (json)
            Console.Out.WriteLine(JsonSerializer.Serialize(answer, MeshJson.Default.DispatchBenchAnswer));
        else
            Show(answer, screen);
        return answer.Figures.All(f => f.Doubled == 0) ? ExitCodes.Ok : ExitCodes.Failed;
    }

    private static void Show(DispatchBenchAnswer answer, Screen screen)
    {
        screen.Heading($"{Environment.ProcessorCount} processors, one PostgreSQL, all processes on this machine");
        screen.Table(["", "workers", "done before", "claims/s", "sends/s"], [.. answer.Figures.Select(f => new[]
        {
            f.Name, Number(f.Workers), Number(f.DoneBefore), Number(f.ClaimsPerSecond), f.SendsPerSecond is { } sends ? Number(sends) : "",
        })]);
        foreach (var (workers, share) in answer.ShareOfPlainSends)
        {
            screen.Line(string.Create(
                CultureInfo.InvariantCulture, $"{workers} workers: {share:P0} of the plain loop's sends, {answer.ShareOfPlainClaims[workers]:P0} of its claims without sends."));
        }
    }

    private static string Number(double value) => value.ToString("N0", CultureInfo.InvariantCulture);
}
