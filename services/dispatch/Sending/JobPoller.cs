using Dapr;
using WhatsAppMesh.Deliveries;
using WhatsAppMesh.Dispatch.Claims;
using WhatsAppMesh.Hosting;

namespace WhatsAppMesh.Dispatch.Sending;

/// <summary>
/// Looks for due jobs and hands them to the processor: every instance gets its share in turn, so a busy one cannot starve the others.
/// A second loop makes jobs due again whose worker is gone.
/// </summary>
internal sealed partial class JobPoller(
    SendStore store, SendBacklogStore backlog, JobProcessor processor, JobRecovery recovery, InFlightJobs inFlight, InstanceStatus instances,
    SendingState state, BrokerCircuit circuit, SendMetrics metrics, SendFigures figures, SendingOptions options, ClaimOptions claims,
    DependencyStates dependencies, TimeProvider time, ILogger<JobPoller> logger) : BackgroundService
{
    private static readonly TimeSpan AfterFailure = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan CountInterval = TimeSpan.FromSeconds(15);

    private int _turn;

    /// <inheritdoc/>
    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await base.StopAsync(cancellationToken);
        // Sends under way are awaited: their outcome would be unknown otherwise.
        var until = time.GetTimestamp();
        while (inFlight.Count > 0 && time.GetElapsedTime(until) < options.Drain && !cancellationToken.IsCancellationRequested)
            await Task.Delay(TimeSpan.FromMilliseconds(20), time, CancellationToken.None);
        if (inFlight.Count > 0)
            Log.NotDrained(logger, inFlight.Count);
    }

    /// <inheritdoc/>
    protected override Task ExecuteAsync(CancellationToken stoppingToken) => options.Poll
        ? Task.WhenAll(
            RepeatAsync("due jobs", PollAsync, options.PollInterval, stoppingToken),
            RepeatAsync("stale jobs", RecoverAsync, claims.Lease / 4, stoppingToken),
            RepeatAsync("job counts", CountAsync, CountInterval, stoppingToken))
        : Task.CompletedTask;

    /// <summary>One look: true when there was something to do, so that the next follows at once.</summary>
    private async Task<bool> PollAsync(CancellationToken stopping)
    {
        // While the breaker was open when last seen, one job finds out whether it still is.
        var room = circuit.IsOpen ? Math.Min(1, inFlight.Room) : inFlight.Room;
        if (!await state.CanSendAsync(stopping) || circuit.ShouldWait || room == 0)
            return false;

        var due = await store.DueInstancesAsync(stopping);
        var connected = await Task.WhenAll(due.Select(async instance => (Instance: instance, Ready: await IsReadyAsync(instance, stopping))));
        var ready = connected.Where(static i => i.Ready).Select(static i => i.Instance).ToList();
        if (ready.Count == 0)
            return false;

        var share = Math.Max(1, room / ready.Count);
        var first = (int)((uint)_turn++ % (uint)ready.Count);
        var jobs = new List<DueJob>();
        foreach (var instance in ready.Skip(first).Concat(ready.Take(first)))
        {
            if (jobs.Count >= room)
                break;
            jobs.AddRange(await processor.ReserveAsync(instance, Math.Min(share, room - jobs.Count), null, stopping));
        }

        if (jobs.Count == 0)
            return false;
        await processor.ProcessAsync(jobs, stopping);
        return true;
    }

    private async Task<bool> RecoverAsync(CancellationToken stopping)
    {
        await recovery.ProbeAsync(stopping);
        if (!await state.CanSendAsync(stopping))
            return false;
        await recovery.RunAsync(stopping);
        return false;
    }

    private async Task<bool> CountAsync(CancellationToken stopping)
    {
        var counted = await backlog.CountAsync(stopping);
        figures.Counted(new WaitingSends(counted.Waiting, (long)counted.OldestAgeSeconds));
        // Where nothing is to be sent, nothing is late.
        metrics.Counted(options.Mode == SendMode.Disabled ? counted with { OldestAgeSeconds = 0 } : counted);
        return false;
    }

    private async Task<bool> IsReadyAsync(string instance, CancellationToken stopping) =>
        inFlight.RoomOf(instance) > 0 && (options.Mode == SendMode.DryRun || (await instances.GetAsync(instance, stopping)).Connected);

    private async Task RepeatAsync(string name, Func<CancellationToken, Task<bool>> look, TimeSpan pause, CancellationToken stopping)
    {
        var database = dependencies.Of(name, $"The database does not let dispatch look after {name}");
        while (!stopping.IsCancellationRequested)
        {
            var wait = pause;
            try
            {
                wait = await look(stopping) ? TimeSpan.Zero : pause;
                database.Works();
            }
            catch (OperationCanceledException) when (stopping.IsCancellationRequested)
            {
                return;
            }
            catch (DaprException)
            {
                // The state store of claims, whose calls are counted and told of where they are made.
                wait = pause > AfterFailure ? pause : AfterFailure;
            }
            catch (Exception e)
            {
                // The detail once, not every second: the database may be away for long.
                var failure = Failure.Of(e, "look");
                if (!database.IsFailing)
                    Log.CannotLook(logger, failure.Error, failure.Message);
                database.Fails(e);
                wait = pause > AfterFailure ? pause : AfterFailure;
            }

            if (wait > TimeSpan.Zero)
                await Task.Delay(wait, time, stopping).ContinueWith(static _ => { }, TaskScheduler.Default);
        }
    }

    private static partial class Log
    {
        [LoggerMessage(4110, LogLevel.Warning, "Due jobs cannot be handled now ({Error}): {Message}")]
        public static partial void CannotLook(ILogger logger, string error, string message);

        [LoggerMessage(4111, LogLevel.Warning, "{Count} jobs were still under way when the drain was over; another worker takes them over")]
        public static partial void NotDrained(ILogger logger, int count);
    }
}
