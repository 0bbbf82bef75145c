using System.CommandLine;
using System.CommandLine.Help;
using Grpc.Core;
using Npgsql;
using WhatsAppMesh.Mesh.Running;
using WhatsAppMesh.Mesh.Screens;

namespace WhatsAppMesh.Mesh.Commands;

/// <summary>All commands, and what they share.</summary>
internal static class MeshCommands
{
    private const string ExitCodeHelp =
        """
        WhatsAppMesh on one machine.

        Exit codes: 0 all went well; 1 what was asked for failed or is not all right; 2 the command line is wrong;
        3 it could not start (a tool is missing, a port is in use, a process ended early, a mesh is up already).
        """;

    /// <summary>Prints data as JSON instead of text.</summary>
    public static Option<bool> Json() => new("--json") { Description = "Print data as JSON to standard output, and progress to standard error." };

    /// <summary>Runs a command line and gives its exit code.</summary>
    public static async Task<int> RunAsync(string[] arguments)
    {
        var context = MeshContext.Find();
        var root = new Command("./mesh", ExitCodeHelp)
        {
            new HelpOption(),
            UpCommand.Create(context),
            DownCommand.Create(context),
            StatusCommand.Create(context),
            LogsCommand.Create(context),
            SmokeCommand.Create(context),
            DemoCommand.Create(context),
            TestCommand.Create(context),
            BenchCommand.Create(context),
            DlqCommand.Create(context),
            AuditCommand.Create(context),
            KeysCommand.Create(),
            ChartDocsCommand.Create(context),
            ExportCommand.Create(context),
            ImportCommand.Create(context),
            ComponentUrlCommand.Create(),
        };
        var parsed = root.Parse(arguments);
        if (parsed.Errors.Count > 0)
        {
            foreach (var error in parsed.Errors)
                Screen.Error(error.Message);
            Screen.Error($"See './mesh {string.Join(' ', CommandPath(parsed))} --help'.".Replace("  ", " ", StringComparison.Ordinal));
            return ExitCodes.Usage;
        }
        // Ending a mesh in order takes longer than the two seconds that are the default.
        return await parsed.InvokeAsync(new InvocationConfiguration { ProcessTerminationTimeout = TimeSpan.FromMinutes(3), EnableDefaultExceptionHandler = false });
    }

    /// <summary>Sets what a command does; failures that a person can act on become one sentence and their exit code.</summary>
    public static void Does(this Command command, Func<ParseResult, CancellationToken, Task<int>> action) => command.SetAction(async (parsed, cancellationToken) =>
    {
        try
        {
            return await action(parsed, cancellationToken);
        }
        catch (MeshException e)
        {
            Screen.Error(e.Message);
            return e.ExitCode;
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            Screen.Error("Interrupted.");
            return ExitCodes.Failed;
        }
        catch (Exception e) when (e is RpcException or HttpRequestException or NpgsqlException)
        {
            Screen.Error($"The mesh did not answer as it should: {e.Message} See './mesh status' and './mesh logs SERVICE'.");
            return ExitCodes.Failed;
        }
    });

    private static IEnumerable<string> CommandPath(ParseResult parsed) =>
        parsed.CommandResult.Command == parsed.RootCommandResult.Command ? [] : [parsed.CommandResult.Command.Name];
}

/// <summary>Where the repository and the local mesh are.</summary>
/// <param name="Repository">Folder with dapr.yaml.</param>
/// <param name="Folder">The local mesh's folder.</param>
internal sealed record MeshContext(string Repository, MeshFolder Folder)
{
    /// <summary>The folder of the demo's mesh.</summary>
    public MeshFolder DemoFolder => new(Path.Combine(Folder.Root, "demo"));

    /// <summary>A real daprd to use, from the environment variable MESH_DAPRD.</summary>
    /// <exception cref="MeshException">It names no file.</exception>
    public static string? Daprd => Given("MESH_DAPRD", File.Exists, "a file: it must be the path of a daprd");

    /// <summary>Components to use in place of dapr.yaml's, from the environment variable MESH_COMPONENTS.</summary>
    /// <exception cref="MeshException">It names no folder.</exception>
    public static string? Components => Given("MESH_COMPONENTS", Directory.Exists, "a folder: it must hold every component, as components/ does");

    /// <summary>The repository that this program was built from.</summary>
    public static MeshContext Find()
    {
        var root = MeshRepository.Find();
        return new MeshContext(root, new MeshFolder(Path.Combine(root, ".mesh")));
    }

    /// <summary>Options of a mesh in a folder, with what the environment says.</summary>
    public MeshOptions Options(MeshFolder folder) => new()
    {
        Repository = Repository,
        Folder = folder,
        Postgres = MeshFolder.GivenPostgres,
        DatabasePrefix = MeshFolder.GivenPostgres is null ? "" : "mesh_",
        Daprd = Daprd,
        Components = Components,
    };

    // Processes start in folders of their own, so that a relative path would be another one there.
    private static string? Given(string variable, Func<string, bool> isThere, string wanted) => Environment.GetEnvironmentVariable(variable) switch
    {
        null or "" => null,
        { } path when isThere(path) => Path.GetFullPath(path),
        { } path => throw new MeshException($"{variable} is {path}, which is not {wanted}."),
    };

    /// <summary>Builds what a mesh runs and starts it.</summary>
    public async Task<MeshInstance> StartAsync(MeshOptions options, Action<string> say, CancellationToken cancellationToken)
    {
        MeshInstance.RefuseSecond(Folder);
        MeshInstance.RefuseSecond(DemoFolder);
        await new MeshBuild(Repository, Folder).BuildServicesAsync(options, say, cancellationToken);
        return await MeshInstance.StartAsync(options, say, cancellationToken);
    }
}
