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
    [InlineData("health.json", 8)]
    [InlineData("subscribe.json", 48)]
    public async Task Every_recorded_call_is_answered_as_by_a_real_sidecar(string file, int count)
    {
        await using var sidecar = await RecordedSidecar.StartAsync("the-token");
        var raw = new RawReplay(sidecar.Invoker, sidecar.Token);
        var streams = new StreamReplay(sidecar.Invoker, sidecar.Token);
        var http = new HttpReplay(sidecar.Sidecar.HttpAddress, sidecar.Token);
        await Replay(file, count, recorded => KindOf(recorded) switch
        {
            "raw" => SeededAsync(raw, file, recorded),
            "stream" => streams.RunAsync(recorded),
            _ => http.RunAsync(recorded),
        });
    }

    [Theory]
    [InlineData("client.json", 61, "pgstore", true)]
    [InlineData("client.without-token.json", 61, "pgstore", false)]
    [InlineData("client.state.postgresql.json", 52, "pgstore", true)]
    [InlineData("client.state.postgresql.without-token.json", 52, "pgstore", false)]
    [InlineData("client.state.redis.json", 58, "redisstore", true)]
    [InlineData("client.state.redis.without-token.json", 58, "redisstore", false)]
    [InlineData("token.json", 34, "pgstore", true)]
    public async Task The_official_client_gets_what_it_got_from_a_real_sidecar(string file, int count, string store, bool token)
    {
        await using var sidecar = await RecordedSidecar.StartAsync(token ? "the-token" : null);
        var raw = new RawReplay(sidecar.Invoker, sidecar.Token);
        var streams = new StreamReplay(sidecar.Invoker, sidecar.Token);
        var http = new HttpReplay(sidecar.Sidecar.HttpAddress, sidecar.Token);
        var client = new ClientReplay(sidecar, store);
        await Replay(file, count, async recorded =>
        {
            foreach (var seed in Seeds.Before(file, RecordedCalls.NameOf(recorded)))
                Assert.Empty(await raw.RunAsync(seed));
            return await (KindOf(recorded) switch
            {
                "raw" => raw.RunAsync(recorded),
                "stream" => streams.RunAsync(recorded),
                "http" => http.RunAsync(recorded),
                _ => client.RunAsync(recorded),
            });
        });
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
