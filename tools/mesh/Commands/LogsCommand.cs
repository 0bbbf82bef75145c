using System.CommandLine;
using WhatsAppMesh.Mesh.Running;

namespace WhatsAppMesh.Mesh.Commands;

/// <summary><c>./mesh logs</c>: the log of a process.</summary>
internal static class LogsCommand
{
    private static readonly Argument<string> Service = new("SERVICE")
    {
        Description = "A service (ingest), one of several (ingest-2), its sidecar (ingest.sidecar), or build.",
    };

    private static readonly Option<int> Lines = new("--lines", "-n") { Description = "Lines from the end; 0 means all.", DefaultValueFactory = _ => 100 };

    private static readonly Option<bool> Follow = new("--follow", "-f") { Description = "Go on printing what is written, until Ctrl-C." };

    public static Command Create(MeshContext context)
    {
        var command = new Command("logs", "Print the log of a service or of its sidecar.") { Service, Lines, Follow };
        command.Does((parsed, cancellationToken) => RunAsync(
            context.Folder, parsed.GetRequiredValue(Service), parsed.GetValue(Lines), parsed.GetValue(Follow), cancellationToken));
        return command;
    }

    private static async Task<int> RunAsync(MeshFolder folder, string service, int lines, bool follow, CancellationToken cancellationToken)
    {
        var file = folder.LogOf(service);
        if (!File.Exists(file))
            throw new MeshException($"There is no log of '{service}'. {Known(folder)}", ExitCodes.Usage);
        await using var stream = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        using var reader = new StreamReader(stream);
        await PrintTailAsync(reader, lines, cancellationToken);
        while (follow)
        {
            if (await ReadOrEndAsync(reader, cancellationToken) is { } line)
                Console.Out.WriteLine(line);
            else if (cancellationToken.IsCancellationRequested)
                break;
        }
        return ExitCodes.Ok;
    }

    private static string Known(MeshFolder folder)
    {
        var names = Directory.Exists(folder.Logs) ? Directory.GetFiles(folder.Logs, "*.log").Select(Path.GetFileNameWithoutExtension).Order().ToArray() : [];
        return names.Length == 0 ? "There are no logs yet: start a mesh with './mesh up'." : $"There are logs of {string.Join(", ", names)}.";
    }

    private static async Task PrintTailAsync(StreamReader reader, int lines, CancellationToken cancellationToken)
    {
        var tail = new Queue<string>();
        while (await reader.ReadLineAsync(cancellationToken) is { } line)
        {
            tail.Enqueue(line);
            if (lines > 0 && tail.Count > lines)
                tail.Dequeue();
        }
        foreach (var line in tail)
            Console.Out.WriteLine(line);
    }

    private static async Task<string?> ReadOrEndAsync(StreamReader reader, CancellationToken cancellationToken)
    {
        try
        {
            if (await reader.ReadLineAsync(cancellationToken) is { } line)
                return line;
            await Task.Delay(200, cancellationToken);
        }
        catch (OperationCanceledException)
        {
            // Ctrl-C ends the command; it is no failure.
        }
        return null;
    }
}
