using System.ComponentModel;
using System.Diagnostics;
using WhatsAppMesh.Mesh.Running;
using Xunit.Abstractions;

namespace WhatsAppMesh.EndToEnd;

/// <summary>The README's signing examples, taken from it and run as they stand.</summary>
[Collection(MeshCollection.Name)]
public sealed class ReadmeTests(MeshUnderTest test, ITestOutputHelper output)
{
    [Fact]
    public Task Curl_example_stores_its_events() => RunAsync("sh", "# curl and openssl", ["bash", "-euo", "pipefail", "-c"], mayBeMissing: false);

    [Fact]
    public Task Node_example_stores_its_events() => RunAsync("js", "// Node", ["node", "-e"], mayBeMissing: true);

    [Fact]
    public Task Python_example_stores_its_events() => RunAsync("python", "# Python", ["python3", "-c"], mayBeMissing: true);

    /// <param name="language">Language of the code block.</param>
    /// <param name="beginning">How the block begins.</param>
    /// <param name="command">Runs a program that is its last argument.</param>
    /// <param name="mayBeMissing">Not every machine that builds has a Node or a Python; .ci/run installs them where it may.</param>
    private async Task RunAsync(string language, string beginning, string[] command, bool mayBeMissing)
    {
        var before = await StoredAsync();
        var (exitCode, said) = await RunAsync([.. command, Block(language, beginning)]);
        output.WriteLine(said);
        if (exitCode is null)
        {
            Assert.True(mayBeMissing, $"{command[0]} is missing: {said}");
            output.WriteLine($"{command[0]} is not on this machine: the README's example for it was NOT run.");
            return;
        }

        Assert.Equal(0, exitCode);
        Assert.Equal(3, said.Split("{\"status\":\"stored\"} 201").Length);
        Assert.Equal(before + 2, await StoredAsync());
    }

    // The tenant of the default collector, to whom nobody else posts here.
    private Task<long> StoredAsync() => Books.NumberAsync(
        test.Mesh, "ingest", "select count(*) from whatsapp_events e join tenants t on t.id = e.tenant where t.name = 'local'");

    private static string Block(string language, string beginning)
    {
        var blocks = File.ReadAllText(Path.Combine(MeshRepository.Find(), "README.md")).Split($"```{language}\n").Skip(1);
        return Assert.Single(blocks.Select(block => block[..block.IndexOf("```", StringComparison.Ordinal)]), block => block.StartsWith(beginning, StringComparison.Ordinal));
    }

    private async Task<(int? ExitCode, string Said)> RunAsync(string[] command)
    {
        var start = new ProcessStartInfo(command[0], command[1..]) { RedirectStandardOutput = true, RedirectStandardError = true };
        start.Environment["MESH_URL"] = test.Mesh.Service("edge").HttpAddress.ToString().TrimEnd('/');
        start.Environment["WEBHOOK_SECRET"] = test.Mesh.Secrets.CollectorSecret;
        start.Environment["WEBHOOK_STANDARD_SECRET"] = test.Mesh.Secrets.StandardSecret;
        try
        {
            using var process = Process.Start(start)!;
            using var patience = new CancellationTokenSource(MeshUnderTest.Patience);
            var said = await Task.WhenAll(process.StandardOutput.ReadToEndAsync(patience.Token), process.StandardError.ReadToEndAsync(patience.Token));
            await process.WaitForExitAsync(patience.Token);
            return (process.ExitCode, string.Concat(said));
        }
        catch (Win32Exception e)
        {
            return (null, e.Message);
        }
    }
}
