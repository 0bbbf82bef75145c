using System.Diagnostics;
using WhatsAppMesh.Collector;
using WhatsAppMesh.LocalPostgres;
using WhatsAppMesh.Mesh.Running;
using Xunit.Abstractions;

namespace WhatsAppMesh.EndToEnd;

/// <summary>Release N runs on the schema of N+1, so that a rollback needs no migration. Says so, and nothing more, while there is no release.</summary>
public sealed class UpgradeTests(ITestOutputHelper output)
{
    private static readonly string Repository = MeshRepository.Find();

    [Fact]
    public async Task The_newest_release_runs_on_this_schema()
    {
        var tag = (await RunAsync("git", ["tag", "--list", "v*", "--sort=-version:refname"], Repository)).Split('\n', StringSplitOptions.RemoveEmptyEntries).FirstOrDefault();
        if (tag is null)
        {
            output.WriteLine("There is no release tag yet: nothing to run on this schema.");
            return;
        }

        var name = Guid.NewGuid().ToString("N")[..8];
        var previous = await BuildAsync(tag);
        await using (await StartAsync(Repository, name, last: false))
        {
            // Its services have migrated.
        }
        await using var mesh = await StartAsync(previous, name, last: true);
        using var client = LoadSender.CreateClient(mesh.Service("edge").HttpAddress, 1);
        var post = new CollectorSigner(mesh.Secrets.CollectorSecret, TimeProvider.System).Sign(
            GroupEvents.Snapshot("120363000000777001@g.us", "previous", [new GroupMember("999000000777001@lid", "5500900777001@s.whatsapp.net")]), SigningScheme.V2);

        using var answer = await LoadSender.PostAsync(client, post);
        Assert.True(answer.IsSuccessStatusCode, $"{tag} on this schema: {(int)answer.StatusCode}");
        await Books.SettledAsync(mesh);
    }

    private static Task<MeshInstance> StartAsync(string repository, string name, bool last) => StartAsync(new MeshOptions
    {
        Repository = repository,
        Folder = new MeshFolder(Path.Combine(Repository, ".mesh", "upgrade", $"{name}-{(last ? "previous" : "present")}")),
        // The release is built in one way; the present code as these tests are.
        Configuration = last ? "release" : MeshUnderTest.Configuration,
        EphemeralPorts = true,
        DatabasePrefix = $"upgrade_{name}_",
        RemoveDataAtStop = last,
        ReadyWithin = TimeSpan.FromSeconds(180),
    });

    private static async Task<MeshInstance> StartAsync(MeshOptions options) =>
        await MeshInstance.StartAsync(options with { Postgres = await TestDatabase.ServerAsync() });

    private static async Task<string> BuildAsync(string tag)
    {
        var folder = Path.Combine(Repository, "artifacts", "releases", tag);
        if (!Directory.Exists(folder))
            await RunAsync("git", ["worktree", "add", "--detach", folder, tag], Repository);
        await RunAsync("dotnet", ["build", "-c", "Release", "-v", "quiet", "--nologo"], folder);
        return folder;
    }

    private static async Task<string> RunAsync(string program, IEnumerable<string> arguments, string folder)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { WorkingDirectory = folder, RedirectStandardOutput = true, RedirectStandardError = true })!;
        var (text, errors) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        await process.WaitForExitAsync();
        return process.ExitCode == 0 ? await text : throw new InvalidOperationException($"'{program}' ended with code {process.ExitCode}: {await errors}{await text}");
    }
}
