using System.Diagnostics;
using System.Globalization;
using WhatsAppMesh.LocalPostgres;
using WhatsAppMesh.Mesh.Running;
using WhatsAppMesh.Mesh.Screens;

namespace WhatsAppMesh.Mesh.Testing;

/// <summary>Builds and runs test projects one after the other against one private PostgreSQL.</summary>
internal sealed class TestRun(string repository, MeshFolder folder, Screen screen)
{
    // A cluster that lives as long as one test run need not survive a power cut.
    private static readonly Dictionary<string, string> PostgresSettings = new()
    {
        ["shared_buffers"] = "'512MB'",
        ["max_wal_size"] = "'4GB'",
        ["fsync"] = "off",
    };

    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(15);

    // More failures than these are no accident.
    private const int MostSecondTries = 3;

    /// <summary>Test projects whose name contains one of these parts (all when there is none); the slow end-to-end tests come last.</summary>
    public IReadOnlyList<string> Projects(IReadOnlyList<string> parts) => [.. Directory
        .GetFiles(Path.Combine(repository, "tests"), "*.csproj", SearchOption.AllDirectories)
        .Where(p => parts.Count == 0 || parts.Any(part => Path.GetFileNameWithoutExtension(p).Contains(part, StringComparison.OrdinalIgnoreCase)))
        .OrderBy(p => p.Contains("EndToEnd", StringComparison.Ordinal))
        .ThenBy(p => p, StringComparer.Ordinal)];

    /// <summary>Builds and runs projects.</summary>
    /// <param name="projects">Their project files.</param>
    /// <param name="filter">Only tests that match; null = all.</param>
    /// <param name="secondTry">Whether a few tests that fail are run once more by themselves.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="MeshException">The build fails, or there is no PostgreSQL.</exception>
    public async Task<IReadOnlyList<TestResults>> RunAsync(IReadOnlyList<string> projects, string? filter, bool secondTry, CancellationToken cancellationToken)
    {
        await screen.WorkAsync("building", async say =>
        {
            var build = new MeshBuild(repository, folder);
            var options = new MeshOptions { Repository = repository, Folder = folder };
            await build.BuildAsync("tests", [.. build.ServiceProjects(options), .. projects], say, cancellationToken);
            return true;
        });
        await using var postgres = await PostgresAsync(cancellationToken);
        var results = new List<TestResults>();
        foreach (var project in projects)
        {
            var result = await screen.WorkAsync(
                $"{Path.GetFileNameWithoutExtension(project)} ({results.Count + 1} of {projects.Count})",
                _ => RunAsync(project, filter, postgres.ConnectionString, cancellationToken));
            if (secondTry && result.Failures.Count is > 0 and <= MostSecondTries && result.Failures.All(static failure => failure.IsTest))
                result = await TryAgainAsync(project, result, postgres.ConnectionString, cancellationToken);
            results.Add(result);
            screen.Verdict(result.Failures.Count == 0, string.Create(
                CultureInfo.InvariantCulture, $"{result.Project}: {result.Passed} passed, {result.Failures.Count} failed ({result.Elapsed.TotalSeconds:F1} s)"));
            // Here too, not only at the end: whoever sees a part of a long log sees why.
            foreach (var failure in result.Failures)
                screen.Line($"         {failure.Name}: {failure.Reason.Split('\n')[0]}");
        }
        return results;
    }

    /// <summary>Runs the tests that failed once more, by themselves. Those that pass now are called unsteady: a test that is, is a bug, though not of the change at hand.</summary>
    private async Task<TestResults> TryAgainAsync(string project, TestResults first, string postgres, CancellationToken cancellationToken)
    {
        foreach (var failure in first.Failures)
            screen.Line($"  failed, tried again by itself: {failure.Name}: {failure.Reason.Split('\n')[0]}");
        var methods = string.Join('|', first.Failures.Select(static failure => $"FullyQualifiedName={failure.Method}").Distinct());
        var result = first.After(await RunAsync(project, methods, postgres, cancellationToken, ".again"));
        foreach (var unsteady in first.Failures.Except(result.Failures))
            screen.Line($"  UNSTEADY: {unsteady.Name} passed the second time");
        return result;
    }

    private async Task<TestResults> RunAsync(string project, string? filter, string postgres, CancellationToken cancellationToken, string run = "")
    {
        var name = Path.GetFileNameWithoutExtension(project);
        var results = Path.Combine(folder.Root, "test-results");
        var trx = Path.Combine(results, name + run + ".trx");
        Directory.CreateDirectory(results);
        File.Delete(trx);
        var clock = Stopwatch.StartNew();
        var dll = Path.Combine(repository, "artifacts", "bin", name, "release", $"WhatsAppMesh.{name}.dll");
        List<string> arguments = ["test", dll, "--nologo", "--logger", $"trx;LogFileName={name}{run}.trx", "--results-directory", results];
        if (filter is not null)
            arguments.AddRange(["--filter", filter]);
        var process = new MeshProcess(new ProcessSpec(
            name, ["dotnet", .. arguments], repository, new Dictionary<string, string> { ["MESH_POSTGRES"] = postgres }, folder.LogOf(name + run)));
        File.Delete(process.Log);
        var exitCode = await ExitCodeAsync(process, cancellationToken);
        return TrxResults.Read(name, trx, exitCode, clock.Elapsed);
    }

    private static async Task<int> ExitCodeAsync(MeshProcess process, CancellationToken cancellationToken)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        patience.CancelAfter(Patience);
        process.Start();
        try
        {
            await process.WaitForExitAsync(patience.Token);
        }
        catch (OperationCanceledException)
        {
            await process.StopAsync(TimeSpan.FromSeconds(10));
            cancellationToken.ThrowIfCancellationRequested();
        }
        return process.ExitCode;
    }

    private async Task<TestPostgres> PostgresAsync(CancellationToken cancellationToken)
    {
        if (MeshFolder.GivenPostgres is { } given)
            return new TestPostgres(given, null, null);
        return await screen.WorkAsync("PostgreSQL", async say =>
        {
            try
            {
                var binaries = await PostgresBinaries.FindOrInstallAsync(say, cancellationToken);
                var own = new MeshFolder(Path.Combine(folder.Root, "test"));
                await TestPostgres.RemoveOldAsync(binaries, own, cancellationToken);
                Directory.CreateDirectory(Path.GetDirectoryName(own.PostgresData)!);
                var cluster = await PostgresCluster.StartAsync(binaries, own.PostgresData, new PostgresClusterOptions { Settings = PostgresSettings }, cancellationToken);
                return new TestPostgres(cluster.ConnectionString("postgres"), cluster, own);
            }
            catch (PostgresUnavailableException e)
            {
                throw new MeshException(e.Message);
            }
        });
    }

    /// <summary>The server that all test projects share; removed afterwards unless it was given.</summary>
    private sealed record TestPostgres(string ConnectionString, PostgresCluster? Cluster, MeshFolder? Folder) : IAsyncDisposable
    {
        /// <summary>What a test run that was killed left behind.</summary>
        public static async Task RemoveOldAsync(PostgresBinaries binaries, MeshFolder folder, CancellationToken cancellationToken)
        {
            await PostgresCluster.StopServerAsync(binaries, folder.PostgresData, "immediate", cancellationToken);
            folder.RemoveData();
        }

        public async ValueTask DisposeAsync()
        {
            if (Cluster is not null)
                await Cluster.StopAsync("immediate");
            Folder?.RemoveData();
        }
    }
}
