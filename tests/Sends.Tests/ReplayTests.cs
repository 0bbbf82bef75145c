using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using WhatsAppMesh.BrokerSim;

namespace WhatsAppMesh.Sends.Tests;

/// <summary>What the broker sees when an operator replays an execution: the first key, unless the message certainly did not leave under it.</summary>
public sealed class ReplayTests
{
    [Fact]
    public async Task Send_that_timed_out_is_replayed_under_its_first_key_and_recognised()
    {
        await using var world = await SendWorld.StartAsync(oneCall: TimeSpan.FromSeconds(2));
        world.Broker.Faults.Add(new Fault { Times = 0, Accept = true, End = FaultEnd.Hang });
        await using var dispatch = await RunningDispatch.StartAsync(OneRetry(world));
        var job = (await world.AddJobsAsync(1))[0];
        await world.UntilAsync(job, "failed_retryable");
        world.Broker.Faults.Clear(seed: 0);

        var replay = await ReplayAsync(dispatch, job);
        await world.UntilAsync(replay, "sent");

        Assert.Equal("replayed", await world.ScalarAsync<string>("select status from jobs where id = $1", job));
        Assert.Equal(await KeyAsync(world, job), await KeyAsync(world, replay));
        var counts = world.Broker.Sends.Count();
        Assert.Equal((1, 1, 0), (counts.Sent, counts.Keys, counts.Doubled));
        Assert.Equal(SendVerdict.Recognised, world.Broker.Sends.All[^1].Verdict);
    }

    [Fact]
    public async Task Send_in_doubt_is_replayed_under_its_first_key_too()
    {
        await using var world = await SendWorld.StartAsync(remembersKeys: false);
        world.Broker.Faults.Add(new Fault { Accept = false, End = FaultEnd.Reset });
        await using var dispatch = await RunningDispatch.StartAsync(world.Settings(("Dispatch:Sending:Idempotency", "none")));
        var job = (await world.AddJobsAsync(1))[0];
        await world.UntilAsync(job, "in_doubt");

        await world.UntilAsync(await ReplayAsync(dispatch, job), "sent");

        Assert.Single(world.Broker.Sends.All.Select(static s => s.Key).Distinct());
        Assert.Equal((1, 0), (world.Broker.Sends.Count().Sent, world.Broker.Sends.Count().Doubled));
    }

    [Theory]
    [InlineData(422, "{}")]
    [InlineData(503, """{"force_new_key":true,"reason":"the broker has lost its memory"}""")]
    public async Task Send_that_was_refused_for_certain_or_by_a_person_s_word_is_replayed_under_a_new_key(int status, string request)
    {
        await using var world = await SendWorld.StartAsync();
        world.Broker.Faults.Add(new Fault { Times = 0, Status = status });
        await using var dispatch = await RunningDispatch.StartAsync(OneRetry(world));
        var job = (await world.AddJobsAsync(1))[0];
        await world.UntilAsync(job, status == 422 ? "failed" : "failed_retryable");
        world.Broker.Faults.Clear(seed: 0);

        var replay = await ReplayAsync(dispatch, job, request);
        await world.UntilAsync(replay, "sent");

        Assert.NotEqual(await KeyAsync(world, job), await KeyAsync(world, replay));
        Assert.Equal(await KeyAsync(world, replay), Assert.Single(world.Broker.Sends.All, static s => s.Verdict == SendVerdict.Sent).Key);
    }

    /// <summary>Two attempts, so that a job fails soon.</summary>
    private static Dictionary<string, string?> OneRetry(SendWorld world)
    {
        var settings = world.Settings();
        foreach (var key in settings.Keys.Where(static key => key.StartsWith("Dispatch:Sending:RetryDelays:", StringComparison.Ordinal) && !key.EndsWith(":0", StringComparison.Ordinal)).ToList())
            settings.Remove(key);
        return settings;
    }

    private static Task<string> KeyAsync(SendWorld world, Guid job) => world.ScalarAsync<string>("select send_key from jobs where id = $1", job);

    private static async Task<Guid> ReplayAsync(RunningDispatch dispatch, Guid job, string body = "{}")
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, $"/api/executions/{job}/replay")
        {
            Version = HttpVersion.Version20,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            Headers = { { "mesh-tenant", "acme" }, { "mesh-role", "operator" }, { "mesh-key", "a person" } },
            Content = new StringContent(body, Encoding.UTF8, "application/json"),
        };
        using var answer = await dispatch.App.SendAsync(request);
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        return JsonNode.Parse(await answer.Content.ReadAsStringAsync())!["new_execution_id"]!.GetValue<Guid>();
    }
}
