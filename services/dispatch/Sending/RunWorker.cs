using System.Collections.Concurrent;
using Dapr;
using WhatsAppMesh.Deliveries;
using WhatsAppMesh.Dispatch.Jobs;
using WhatsAppMesh.Hosting;

namespace WhatsAppMesh.Dispatch.Sending;

/// <summary>
/// Works off runs, on one replica at a time, through the same processor as the poller: the claim decides who sends a job. Each tenant's
/// oldest run goes on by itself, so that none waits for another tenant's instance.
/// </summary>
internal sealed partial class RunWorker(
    Runs runs, SendStore store, JobProcessor processor, InstanceStatus instances, SendingState state, BrokerCircuit circuit, SingleReplica replica, SendingOptions options,
    DependencyStates dependencies, TimeProvider time, ILogger<RunWorker> logger)
    : BackgroundService
{
    // Key of the advisory lock, the same on every replica.
    private const long LockKey = 0x6D65_7368_0021;

    private const int JobsAtOnce = 32;
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan AfterFailure = TimeSpan.FromSeconds(2);

    // Longer than the rate's horizon: who gets no slot for so long is held back, and may be for hours.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    private readonly DependencyState _database = dependencies.Of("run jobs", "The database does not let dispatch work off runs");
    private readonly ConcurrentDictionary<Guid, bool> _underWay = new();

    /// <inheritdoc/>
    protected override Task ExecuteAsync(CancellationToken stoppingToken) => options.Poll
        ? replica.RunAsync("runs", LockKey, StepAsync, stoppingToken)
        : Task.CompletedTask;

    private async Task StepAsync(CancellationToken cancellationToken)
    {
        if (await MaySendAsync(cancellationToken))
        {
            foreach (var slice in await runs.NextAsync(JobsAtOnce, cancellationToken))
            {
                if (_underWay.TryAdd(slice.Run, true))
                    _ = WorkAsync(slice, cancellationToken);
            }
        }

        await Task.Delay(options.PollInterval, time, cancellationToken);
    }

    /// <summary>Works off a slice and counts it. Never throws: what could not be done is looked at again.</summary>
    private async Task WorkAsync(RunSlice slice, CancellationToken stopping)
    {
        try
        {
            await runs.AdvanceAsync(slice, await HandleAsync(slice, stopping), stopping);
            _database.Works();
        }
        catch (DaprException)
        {
            // The state store of claims, whose calls are counted and told of where they are made.
            await Task.Delay(AfterFailure, time, stopping).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
        catch (Exception exception) when (exception is not OperationCanceledException || !stopping.IsCancellationRequested)
        {
            var failure = Failure.Of(exception, "run");
            if (!_database.IsFailing)
                Log.NotWorkedOff(logger, slice.Run, failure.Error, failure.Message);
            _database.Fails(exception);
            await Task.Delay(AfterFailure, time, stopping).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
        catch (OperationCanceledException)
        {
        }
        finally
        {
            _underWay.TryRemove(slice.Run, out _);
        }
    }

    /// <summary>Handles jobs until none of them is due any more. The poller gets those whose instance is offline or gives them no slot, and the rest of a run that is cancelled.</summary>
    private async Task<IReadOnlyCollection<RunStep>> HandleAsync(RunSlice slice, CancellationToken stopping)
    {
        var running = new List<Task<string?>>();
        var (open, movedAt) = (slice.Jobs, time.GetTimestamp());
        while (open.Length > 0 && time.GetElapsedTime(movedAt) < Patience && await runs.IsRunningAsync(slice.Run, stopping) && await MaySendAsync(stopping))
        {
            var later = new List<Guid>();
            foreach (var (instance, ids) in await store.StillDueAsync(open, stopping))
            {
                if (options.Mode != SendMode.DryRun && !(await instances.GetAsync(instance, stopping)).Connected)
                    continue;
                var reserved = await processor.ReserveAsync(instance, ids.Length, ids, stopping);
                running.AddRange((await processor.ProcessAsync(reserved, stopping)).Running);
                later.AddRange(ids.Except(reserved.Select(static job => job.Id)));
                if (reserved.Count > 0)
                    movedAt = time.GetTimestamp();
            }

            open = [.. later];
            if (open.Length > 0)
                await Task.Delay(Pause, time, stopping);
        }

        var ended = await Task.WhenAll(running);
        var steps = ended.Select(static status => new RunStep(Claimed: true, Sent: status == SendOutcome.Sent, Failed: status is not (null or SendOutcome.Sent or SendOutcome.Cancelled)));
        return [.. steps, .. Enumerable.Repeat(default(RunStep), slice.Jobs.Length - running.Count)];
    }

    private async Task<bool> MaySendAsync(CancellationToken cancellationToken) => await state.CanSendAsync(cancellationToken) && !circuit.ShouldWait;

    private static partial class Log
    {
        [LoggerMessage(4120, LogLevel.Warning, "Jobs of run {Run} could not be handled and are looked at again ({Error}): {Message}")]
        public static partial void NotWorkedOff(ILogger logger, Guid run, string error, string message);
    }
}
