using System.Diagnostics;

namespace WhatsAppMesh.EndToEnd;

/// <summary>What <c>helm test</c> runs, as its own process.</summary>
[Collection(MeshCollection.Name)]
public sealed class SmokeTests(MeshUnderTest test)
{
    [Fact]
    public async Task A_smoke_event_is_found_again()
    {
        var (exitCode, said) = await SmokeAsync(test.NewTenant().Name, MeshUnderTest.Secret);

        Assert.True(exitCode == 0, said);
        Assert.Contains("posted again, edge answers duplicate", said, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_smoke_event_that_edge_does_not_believe_is_a_failure_at_once()
    {
        var (exitCode, said) = await SmokeAsync(test.NewTenant().Name, "another-secret");

        Assert.Equal(1, exitCode);
        Assert.Contains("edge answers 401", said, StringComparison.Ordinal);
    }

    private async Task<(int ExitCode, string Said)> SmokeAsync(string collector, string secret)
    {
        var start = new ProcessStartInfo("dotnet", ["exec", typeof(Collector.CollectorEvent).Assembly.Location, "smoke", "--url", test.Mesh.Service("edge").HttpAddress.ToString(), "--collector", collector])
        {
            RedirectStandardOutput = true,
            Environment = { ["WHATSAPP_WEBHOOK_SECRET"] = secret, ["MESH_API_KEY"] = "" },
        };
        using var process = Process.Start(start)!;
        var said = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        return (process.ExitCode, said);
    }
}
