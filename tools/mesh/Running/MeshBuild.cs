using System.Diagnostics;
using System.Globalization;

namespace WhatsAppMesh.Mesh.Running;

/// <summary>Builds projects together, once, and not at all when nothing has changed.</summary>
public sealed class MeshBuild(string repository, MeshFolder folder)
{
    // Without it a solution builds the projects that are only referenced, the libraries, in debug configuration.
    private const string KeepConfiguration = "-p:ShouldUnsetParentConfigurationAndPlatform=false";

    private static readonly string[] SourceFolders = ["services", "libs", "protos", "tools", "tests", "bench"];
    private static readonly string[] SourceEndings = [".cs", ".csproj", ".props", ".targets", ".proto", ".json", ".sql"];

    /// <summary>Builds what a mesh runs: its services, and the development sidecar unless a real one is used.</summary>
    /// <exception cref="MeshException">The build fails; the message holds its errors and the log's path.</exception>
    public Task BuildServicesAsync(MeshOptions options, Action<string> say, CancellationToken cancellationToken) =>
        BuildAsync("services", ServiceProjects(options), say, cancellationToken);

    /// <summary>The projects that a mesh runs.</summary>
    public IReadOnlyList<string> ServiceProjects(MeshOptions options)
    {
        var projects = RunFile.Load(Path.Combine(repository, "dapr.yaml")).Apps.Select(ProjectOf).ToList();
        projects.Add(LocalBroker.Project(repository));
        if (options.Daprd is null)
            projects.Add(Path.Combine(repository, "tools", "devsidecar", "DevSidecar.csproj"));
        return projects;
    }

    /// <summary>Builds these projects in release configuration, unless their last build is newer than every source file.</summary>
    /// <param name="name">Name of this set of projects.</param>
    /// <param name="projects">Paths of the project files.</param>
    /// <param name="say">Told what is being done.</param>
    /// <param name="cancellationToken">Ends the build.</param>
    /// <exception cref="MeshException">The build fails; the message holds its errors and the log's path.</exception>
    public async Task BuildAsync(string name, IReadOnlyList<string> projects, Action<string> say, CancellationToken cancellationToken)
    {
        var stamp = Path.Combine(folder.Root, $"build-{name}.stamp");
        if (File.Exists(stamp) && File.GetLastWriteTimeUtc(stamp) > NewestSource() && File.ReadAllText(stamp) == string.Join('\n', projects))
            return;
        Directory.CreateDirectory(folder.Logs);
        await using var turn = await TakeTurnAsync(say, cancellationToken);
        var solution = Path.Combine(folder.Root, $"build-{name}.slnx");
        await File.WriteAllTextAsync(solution, Solution(projects), cancellationToken);
        say(string.Create(CultureInfo.InvariantCulture, $"building {projects.Count} projects"));
        if (await RunAsync(["build", solution, "-c", "Release", "-v", "minimal", "--nologo", "-m:2", "-nodeReuse:false", KeepConfiguration], cancellationToken) != 0)
            throw new MeshException($"The build failed. {string.Join(System.Environment.NewLine, Errors())}{System.Environment.NewLine}Its log: {folder.BuildLog}");
        await File.WriteAllTextAsync(stamp, string.Join('\n', projects), cancellationToken);
    }

    /// <summary>Two commands never build at the same time: they would write the same files.</summary>
    private async Task<FileStream> TakeTurnAsync(Action<string> say, CancellationToken cancellationToken)
    {
        for (var told = false; ; told = true)
        {
            try
            {
                return new FileStream(Path.Combine(folder.Root, "build.turn"), FileMode.OpenOrCreate, FileAccess.Write, FileShare.None);
            }
            catch (IOException)
            {
                if (!told)
                    say("waiting for another build");
                await Task.Delay(200, cancellationToken);
            }
        }
    }

    private static string ProjectOf(RunFileApp app) => Directory.GetFiles(app.AppDirectory, "*.csproj") switch
    {
        [var project] => project,
        _ => throw new MeshException($"dapr.yaml: the directory of app '{app.AppId}' ({app.AppDirectory}) must hold exactly one project."),
    };

    private static string Solution(IEnumerable<string> projects) =>
        $"<Solution>{string.Concat(projects.Select(p => $"<Project Path=\"{System.Security.SecurityElement.Escape(p)}\" />"))}</Solution>";

    private async Task<int> RunAsync(IReadOnlyList<string> arguments, CancellationToken cancellationToken)
    {
        // To a file, not to a pipe: the compiler server outlives the build and would hold a pipe open.
        var start = new ProcessStartInfo("/bin/sh") { WorkingDirectory = repository };
        foreach (var argument in (string[])["-c", "log=$1; shift; exec dotnet \"$@\" >\"$log\" 2>&1 </dev/null", "sh", folder.BuildLog, .. arguments])
            start.ArgumentList.Add(argument);
        using var process = Process.Start(start)!;
        try
        {
            await process.WaitForExitAsync(cancellationToken);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            throw;
        }
        return process.ExitCode;
    }

    private IEnumerable<string> Errors() =>
        File.ReadLines(folder.BuildLog).Where(line => line.Contains(": error ", StringComparison.Ordinal)).Select(line => line.Trim()).Distinct().Take(10);

    private DateTime NewestSource() => SourceFolders
        .Select(f => Path.Combine(repository, f))
        .Where(Directory.Exists)
        .SelectMany(f => Directory.EnumerateFiles(f, "*", SearchOption.AllDirectories))
        .Concat(Directory.EnumerateFiles(repository))
        .Where(f => SourceEndings.Contains(Path.GetExtension(f)))
        .Select(File.GetLastWriteTimeUtc)
        .DefaultIfEmpty(DateTime.MaxValue)
        .Max();
}
