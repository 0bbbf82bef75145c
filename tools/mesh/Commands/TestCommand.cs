using System.CommandLine;
using System.Text.Json;
using WhatsAppMesh.Mesh.Running;
using WhatsAppMesh.Mesh.Screens;
using WhatsAppMesh.Mesh.Testing;

namespace WhatsAppMesh.Mesh.Commands;

/// <summary><c>./mesh test</c>: runs every test.</summary>
internal static class TestCommand
{
    private static readonly Argument<string[]> Parts = new("PROJECT")
    {
        Description = "Only projects whose name contains one of these.",
        Arity = ArgumentArity.ZeroOrMore,
    };

    private static readonly Option<string?> Filter = new("--filter") { Description = "Only tests that match, as 'dotnet test --filter' has it." };

    private static readonly Option<bool> SecondTry = new("--second-try")
    {
        Description = "Run up to three tests that failed in a project once more, by themselves: on a busy machine. Those that pass then are named as unsteady.",
    };

    public static Command Create(MeshContext context)
    {
        var json = MeshCommands.Json();
        var command = new Command("test", "Run every test (unit, contract, end to end) and close with 'N passed, N failed'. A skipped test counts as failed.")
        {
            Parts, Filter, SecondTry, json,
        };
        command.Does((parsed, cancellationToken) => RunAsync(
            context, parsed.GetValue(Parts) ?? [], parsed.GetValue(Filter), parsed.GetValue(SecondTry), parsed.GetValue(json), cancellationToken));
        return command;
    }

    private static async Task<int> RunAsync(MeshContext context, string[] parts, string? filter, bool secondTry, bool json, CancellationToken cancellationToken)
    {
        var screen = new Screen(json);
        var run = new TestRun(context.Repository, context.Folder, screen);
        var projects = run.Projects(parts);
        if (projects.Count == 0)
            throw new MeshException("No test project has a name like that.", ExitCodes.Usage);
        var results = await run.RunAsync(projects, filter, secondTry, cancellationToken);
        foreach (var failure in results.SelectMany(r => r.Failures))
        {
            screen.Line();
            screen.Line($"FAILED {failure.Project}: {failure.Name}");
            screen.Line(failure.Reason);
        }
        if (json)
            Console.Out.WriteLine(JsonSerializer.Serialize(results, MeshJson.Default.IReadOnlyListTestResults));
        screen.Line();
        screen.Line(TrxResults.Sum(results));
        return results.All(r => r.Failures.Count == 0) ? ExitCodes.Ok : ExitCodes.Failed;
    }
}
