using System.Diagnostics;
using WhatsAppMesh.BrokerSim;

namespace WhatsAppMesh.Sends.Tests;

/// <summary>
/// Exactly once, counted by the broker: many worker processes over the same jobs, killed and stopped at random points, and a broker that
/// answers slowly, not at all, or after its caller gave up. Leases are short, so that much is taken over while its old owner still lives.
/// </summary>
[Collection(Name)]
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class ManyWorkersTests
{
    // Eight processes that are stopped and killed leave nothing for a test beside them that counts its calls.
    private const string Name = "many workers";

    private const int Jobs = 2000;
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(6);

    [Theory]
    [InlineData("state.postgresql", 2)]
    [InlineData("state.postgresql", 8)]
    [InlineData("state.redis", 2)]
    [InlineData("state.redis", 8)]
    public async Task Every_job_reaches_a_broker_that_remembers_keys_once(string stateType, int workers)
    {
        await using var world = await SendWorld.StartAsync(stateType, oneCall: TimeSpan.FromSeconds(2));
        Misbehave(world.Broker);
        await RunAsync(world, workers, "keyed");

        var (counts, jobs) = (world.Broker.Sends.Count(), await world.CountAsync());

        Assert.Equal((Jobs, Jobs, 0, 0), (counts.Sent, counts.Keys, counts.Doubled, counts.Conflicts));
        Assert.Equal(new Dictionary<string, long> { ["sent"] = Jobs }, jobs);
    }

    [Theory]
    [InlineData("state.postgresql", 2)]
    [InlineData("state.postgresql", 8)]
    [InlineData("state.redis", 2)]
    [InlineData("state.redis", 8)]
    public async Task No_job_reaches_a_broker_without_memory_twice(string stateType, int workers)
    {
        await using var world = await SendWorld.StartAsync(stateType, remembersKeys: false, oneCall: TimeSpan.FromSeconds(2));
        Misbehave(world.Broker);
        await RunAsync(world, workers, "none");

        var (counts, jobs) = (world.Broker.Sends.Count(), await world.CountAsync());

        Assert.Equal(0, counts.Doubled);
        // Whatever was not sent for certain waits for a person; nothing else is left.
        Assert.Equal(Jobs, jobs.GetValueOrDefault("sent") + jobs.GetValueOrDefault("in_doubt"));
        object left = world.Broker.Sends.All.Where(static s => s.Verdict == SendVerdict.Sent).Select(static s => s.Key!).ToArray();
        Assert.Equal(0, await world.ScalarAsync<long>("select count(*) from jobs where status = 'sent' and not send_key = any($1)", left));
    }

    private static void Misbehave(BrokerSimulator broker)
    {
        broker.Faults.Clear(seed: Random.Shared.Next());
        broker.Faults.Add(new Fault { Times = 0, Share = 0.005, Accept = true, End = FaultEnd.Hang });
        broker.Faults.Add(new Fault { Times = 0, Share = 0.01, Accept = true, End = FaultEnd.Reset });
        broker.Faults.Add(new Fault { Times = 0, Share = 0.01, Accept = true, Status = 500 });
        broker.Faults.Add(new Fault { Times = 0, Share = 0.02, DelayMs = 700 });
        broker.Faults.Add(new Fault { Times = 0, Share = 0.01, Status = 429, RetryAfter = 0 });
    }

    /// <summary>Runs workers until all jobs are done; meanwhile one after the other is killed or stopped for longer than a lease.</summary>
    private static async Task RunAsync(SendWorld world, int workers, string idempotency)
    {
        var settings = world.Settings(
            ("Dispatch:Sending:Idempotency", idempotency),
            ("Dispatch:Claims:Lease", "00:00:06"),
            ("Dispatch:Claims:Timeout", "00:00:03"),
            ("Dispatch:Sending:CallTimeout", "00:00:04"),
            ("Dispatch:Sending:MaxInFlight", "16"),
            ("Dispatch:Sending:MaxInFlightPerInstance", "16"));
        // Retries without end: the faults are so many that some job meets five of them.
        for (var i = 0; i < 40; i++)
            settings[$"Dispatch:Sending:RetryDelays:{i}"] = "00:00:00.200";
        await using (await RunningDispatch.StartAsync(new(settings) { ["WHATSAPP_MODE"] = "disabled" }))
            await world.AddJobsAsync(Jobs, instances: 4);

        var running = Enumerable.Range(0, workers).Select(_ => WorkerProcess.Start(settings)).ToList();
        try
        {
            await HurtAsync(world, settings, running);
            await world.DrainedAsync(Patience);
        }
        catch (TimeoutException e)
        {
            throw new TimeoutException($"{e.Message}; a worker said: {running[0].Output}", e);
        }
        finally
        {
            foreach (var worker in running)
                await worker.DisposeAsync();
        }
    }

    private static async Task HurtAsync(SendWorld world, Dictionary<string, string?> settings, List<WorkerProcess> running)
    {
        await DevSidecar.Tests.Running.Eventually.TrueAsync(() => world.Broker.Sends.All.Count > 10, "sends begin", TimeSpan.FromMinutes(2));
        var clock = Stopwatch.StartNew();
        for (var turn = 0; turn < 6 && clock.Elapsed < TimeSpan.FromSeconds(60); turn++)
        {
            await Task.Delay(Random.Shared.Next(200, 1200));
            var victim = turn % running.Count;
            if (turn % 2 == 0)
            {
                await running[victim].KillAsync();
                await running[victim].DisposeAsync();
                running[victim] = WorkerProcess.Start(settings);
            }
            else
            {
                // Longer than its leases: when it wakes, others have its jobs.
                await running[victim].PauseAsync();
                await Task.Delay(TimeSpan.FromSeconds(8));
                await running[victim].ResumeAsync();
            }
        }
    }
}
