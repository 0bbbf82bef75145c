using System.Text.Json.Nodes;
using Xunit.Abstractions;

namespace WhatsAppMesh.DevSidecar.Tests.Recorded;

/// <summary>Replays what a real sidecar, daprd 1.18.3, answered over gRPC: all of it, in the order in which it was recorded.</summary>
public sealed class GrpcVectorTests(ITestOutputHelper output)
{
    [Theory]
    [InlineData("state.postgresql.json", 142)]
    [InlineData("state.redis.json", 139)]
    [InlineData("state.missing-store.json", 11)]
    [InlineData("secrets.json", 10)]
    [InlineData("metadata.json", 8)]
    [InlineData("publish.json", 48)]
    [InlineData("bulk-publish.json", 36)]
    [InlineData("invoke.json", 43)]
    [InlineData("proxy.json", 23)]
    [InlineData("limits.json", 11)]
    [InlineData("unconfigured.json", 42)]
    public async Task Every_recorded_call_is_answered_as_by_a_real_sidecar(string file, int count)
    {
        await using var sidecar = await RecordedSidecar.StartAsync("the-token");
        var raw = new RawReplay(sidecar.Invoker, sidecar.Token);
        var streams = new StreamReplay(sidecar.Invoker, sidecar.Token);
        await Replay(file, count, recorded => KindOf(recorded) == "raw" ? SeededAsync(raw, file, recorded) : streams.RunAsync(recorded));
    }

    private static string KindOf(JsonNode recorded) => recorded["kind"]!.GetValue<string>();

    private static async Task<IReadOnlyList<string>> SeededAsync(RawReplay raw, string file, JsonNode recorded)
    {
        foreach (var seed in Seeds.Before(file, RecordedCalls.NameOf(recorded)))
            Assert.Empty(await raw.RunAsync(seed));
        return await raw.RunAsync(recorded);
    }

    private async Task Replay(string file, int count, Func<JsonNode, Task<IReadOnlyList<string>>> runAsync)
    {
        var cases = RecordedCalls.Read(file);
        Assert.Equal(count, cases.Count);
        var wrong = new List<string>();
        foreach (var recorded in cases)
        {
            var name = RecordedCalls.NameOf(recorded);
            var differences = await runAsync(recorded);
            if (KnownDifferences.Reasons.TryGetValue(name, out var reason))
            {
                output.WriteLine($"{name}: {reason}");
                if (differences.Count == 0)
                    wrong.Add($"{name}: is answered right, and listed as known to differ");
            }
            else if (differences.Count > 0)
            {
                wrong.Add($"{name}: {string.Join("\n  ", differences)}");
            }
        }

        Assert.True(wrong.Count == 0, $"{wrong.Count} of {count} differ:\n{string.Join('\n', wrong)}");
    }
}
