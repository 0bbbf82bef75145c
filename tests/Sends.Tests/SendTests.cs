using System.Text.Json;
using WhatsAppMesh.BrokerSim;

namespace WhatsAppMesh.Sends.Tests;

/// <summary>One worker and a broker that misbehaves: what becomes of a job.</summary>
public sealed class SendTests
{
    [Fact]
    public async Task Due_jobs_are_sent_once_with_their_key_and_trace()
    {
        await using var world = await SendWorld.StartAsync();
        await using var dispatch = await RunningDispatch.StartAsync(world.Settings());
        const string Trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        var jobs = await world.AddJobsAsync(30, instances: 3, traceParent: Trace);

        await world.DrainedAsync(TimeSpan.FromSeconds(90));

        Assert.Equal(new Dictionary<string, long> { ["sent"] = 30 }, await world.CountAsync());
        Assert.Equal(new SendCounts(30, 30, 30, 0, 0, 0, 0), world.Broker.Sends.Count());
        var key = await world.ScalarAsync<string>("select send_key from jobs where id = $1", jobs[0]);
        var sent = Assert.Single(world.Broker.Sends.All, s => s.Key == key);
        Assert.Contains("0af7651916cd43dd8448eb211c80319c", sent.Traceparent, StringComparison.Ordinal);
        using var body = JsonDocument.Parse(sent.Body);
        Assert.Equal(("12025550103", "text", "Oi", "instance-0"), (Text("to"), Text("type"), Text("message"), Text("sessionId")));
        Assert.Equal(key, body.RootElement.GetProperty("metadata").GetProperty("idempotencyKey").GetString());
        Assert.StartsWith("3EB0", await world.ScalarAsync<string>("select external_id from jobs where id = $1", jobs[0]), StringComparison.Ordinal);
        Assert.Equal(200, await world.ScalarAsync<int>("select status from attempts where job_id = $1 and number = 1", jobs[0]));

        string? Text(string name) => body.RootElement.GetProperty(name).GetString();
    }

    [Fact]
    public async Task Failure_that_passes_is_retried_under_the_same_key_until_it_is_sent()
    {
        await using var world = await SendWorld.StartAsync();
        world.Broker.Faults.Add(new Fault { Status = 503, Times = 4 });
        await using var dispatch = await RunningDispatch.StartAsync(world.Settings());
        var job = (await world.AddJobsAsync(1))[0];

        await world.UntilAsync(job, "sent");

        // Three tries of the first attempt by the sidecar, then a second attempt.
        Assert.Equal(2, await world.ScalarAsync<int>("select attempts from jobs where id = $1", job));
        var counts = world.Broker.Sends.Count();
        Assert.Equal((5, 1, 4), (counts.Requests, counts.Sent, counts.Refused));
        Assert.Single(world.Broker.Sends.All.Select(static s => s.Key).Distinct());
        Assert.Equal("transient", await world.ScalarAsync<string>("select category from attempts where job_id = $1 and number = 1", job));
    }

    [Fact]
    public async Task Job_that_always_fails_is_a_dead_letter_after_five_attempts()
    {
        await using var world = await SendWorld.StartAsync();
        world.Broker.Faults.Add(new Fault { End = FaultEnd.Html, Status = 502, Times = 0 });
        await using var dispatch = await RunningDispatch.StartAsync(world.Settings());
        var job = (await world.AddJobsAsync(1))[0];

        await world.UntilAsync(job, "failed_retryable");

        Assert.Equal(5, await world.ScalarAsync<int>("select attempts from jobs where id = $1", job));
        Assert.Equal(0, world.Broker.Sends.Count().Sent);
        Assert.Contains("bad gateway", await world.ScalarAsync<string>("select answer from attempts where job_id = $1 and number = 5", job), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Refusal_is_final_at_once()
    {
        await using var world = await SendWorld.StartAsync();
        world.Broker.Faults.Add(new Fault { Status = 422 });
        await using var dispatch = await RunningDispatch.StartAsync(world.Settings());
        var job = (await world.AddJobsAsync(1))[0];

        await world.UntilAsync(job, "failed");

        Assert.Equal("422 INVALID_TO", await world.ScalarAsync<string>("select last_error from jobs where id = $1", job));
        Assert.Single(world.Broker.Sends.All);
    }

    [Fact]
    public async Task Retry_after_is_honoured_by_every_job_of_the_instance()
    {
        await using var world = await SendWorld.StartAsync();
        world.Broker.Faults.Add(new Fault { Status = 429, RetryAfter = 15, Instance = "instance-0" });
        await using var dispatch = await RunningDispatch.StartAsync(world.Settings());
        var job = (await world.AddJobsAsync(1))[0];
        await Eventually(() => world.Broker.Sends.All.Count >= 1);
        var throttledAt = world.Broker.Sends.All[0].At;
        await Eventually(() => world.ScalarAsync<bool>("select exists (select from instance_rates where next_at > now())").GetAwaiter().GetResult());
        await world.AddJobsAsync(1);

        await world.DrainedAsync(TimeSpan.FromSeconds(60));

        Assert.All(world.Broker.Sends.All.Skip(1), later => Assert.True(later.At - throttledAt >= TimeSpan.FromSeconds(14.9), $"sent after {later.At - throttledAt}"));
        Assert.Equal("throttled", await world.ScalarAsync<string>("select category from attempts where job_id = $1 and number = 1", job));
        Assert.Equal(2, world.Broker.Sends.Count().Sent);
    }

    [Theory]
    [InlineData("Reset")]
    [InlineData("Hang")]
    [InlineData("SlowBody")]
    public async Task Send_whose_answer_is_lost_is_recognised_by_its_key(string end)
    {
        await using var world = await SendWorld.StartAsync(oneCall: TimeSpan.FromSeconds(2));
        world.Broker.Faults.Add(new Fault { Accept = true, End = Enum.Parse<FaultEnd>(end), DelayMs = end == "SlowBody" ? 20_000 : 0 });
        await using var dispatch = await RunningDispatch.StartAsync(world.Settings());
        var job = (await world.AddJobsAsync(1))[0];

        await world.UntilAsync(job, "sent");

        var counts = world.Broker.Sends.Count();
        Assert.Equal((1, 0), (counts.Sent, counts.Doubled));
        Assert.True(counts.Recognised >= 1);
    }

    [Theory]
    [InlineData("Reset", true)]
    [InlineData("Hang", true)]
    [InlineData("Reset", false)]
    [InlineData("Html", false)]
    public async Task Without_key_memory_what_is_not_known_is_in_doubt_and_never_sent_again(string end, bool left)
    {
        await using var world = await SendWorld.StartAsync(remembersKeys: false, oneCall: end == "Hang" ? TimeSpan.FromSeconds(2) : null);
        world.Broker.Faults.Add(new Fault { Accept = left, End = Enum.Parse<FaultEnd>(end) });
        await using var dispatch = await RunningDispatch.StartAsync(world.Settings(("Dispatch:Sending:Idempotency", "none")));
        var job = (await world.AddJobsAsync(1))[0];

        await world.UntilAsync(job, "in_doubt");

        Assert.Single(world.Broker.Sends.All);
        Assert.True(await world.ScalarAsync<bool>("select send_began_at is not null from attempts where job_id = $1", job));
        // The next job of the instance is not held up by it.
        await world.UntilAsync((await world.AddJobsAsync(1))[0], "sent");
    }

    [Fact]
    public async Task Jobs_of_an_offline_instance_wait_and_the_others_go_on()
    {
        await using var world = await SendWorld.StartAsync();
        world.Broker.Instances.Set("instance-0", "disconnected");
        await using var dispatch = await RunningDispatch.StartAsync(world.Settings());
        var jobs = await world.AddJobsAsync(8, instances: 2);
        await world.UntilAsync(jobs[7], "sent");
        Assert.Equal(0, world.Broker.Sends.All.Count(static s => s.Instance == "instance-0" && s.Verdict == SendVerdict.Sent));

        world.Broker.Instances.Set("instance-0", "connected");
        await world.DrainedAsync(TimeSpan.FromSeconds(60));

        Assert.Equal(8, world.Broker.Sends.Count().Sent);
        Assert.Equal(1, await world.ScalarAsync<int>("select max(attempts) from jobs"));
    }

    [Theory]
    [InlineData("dryrun", "sent")]
    [InlineData("disabled", "pending")]
    public async Task Mode_decides_what_is_done_and_the_broker_hears_nothing(string mode, string status)
    {
        await using var world = await SendWorld.StartAsync();
        await using var dispatch = await RunningDispatch.StartAsync(world.Settings(("WHATSAPP_MODE", mode)));
        var job = (await world.AddJobsAsync(1))[0];

        await world.UntilAsync(job, status);

        Assert.Empty(world.Broker.Sends.All);
        if (status == "sent")
            Assert.Equal("dryrun", await world.ScalarAsync<string>("select external_id from jobs where id = $1", job));
    }

    [Fact]
    public async Task Rate_is_kept_over_two_workers_and_no_instance_waits_for_another()
    {
        await using var world = await SendWorld.StartAsync();
        var settings = world.Settings(("Dispatch:Sending:RatePerSecond", "5"));
        await using var one = await RunningDispatch.StartAsync(settings);
        await using var two = await RunningDispatch.StartAsync(settings);
        var added = await world.ScalarAsync<DateTime>("select now()");
        await world.AddJobsAsync(30, instances: 3);

        await world.DrainedAsync(TimeSpan.FromSeconds(120));

        // Ten slots of 200 ms each were given out, none twice; how late a send leaves in its slot is the machine's affair.
        var slots = await world.ScalarAsync<TimeSpan>("select min(next_at) - $1 from instance_rates", added);
        Assert.True(slots >= TimeSpan.FromSeconds(2), $"the slots end {slots} after the jobs were there");
        foreach (var instance in world.Broker.Sends.All.Where(static s => s.Verdict == SendVerdict.Sent).GroupBy(static s => s.Instance))
            Assert.Equal(10, instance.Count());
    }

    [Fact]
    public async Task Stopping_worker_awaits_the_send_under_way_and_gives_back_the_rest()
    {
        await using var world = await SendWorld.StartAsync();
        world.Broker.Faults.Add(new Fault { DelayMs = 1500, Times = 0 });
        await using var dispatch = await RunningDispatch.StartAsync(world.Settings());
        await world.AddJobsAsync(3);
        await Eventually(() => world.Broker.Sends.All.Count > 0);

        await dispatch.StopAsync();

        var counts = await world.CountAsync();
        Assert.False(counts.ContainsKey("processing"), string.Join(", ", counts));
        Assert.Equal(world.Broker.Sends.Count().Keys, counts.GetValueOrDefault("sent"));
    }

    private static Task Eventually(Func<bool> condition) => DevSidecar.Tests.Running.Eventually.TrueAsync(condition, "what the test waits for");
}
