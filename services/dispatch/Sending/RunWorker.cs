using WhatsAppMesh.Deliveries;
using WhatsAppMesh.Dispatch.Jobs;

namespace WhatsAppMesh.Dispatch.Sending;

/// <summary>Works off runs, on one replica at a time, through the same processor as the poller: the claim decides who sends a job.</summary>
internal sealed class RunWorker(
    Runs runs, SendStore store, JobProcessor processor, InstanceStatus instances, SendingState state, SingleReplica replica, SendingOptions options, TimeProvider time)
    : BackgroundService
{
    // Key of the advisory lock, the same on every replica.
    private const long LockKey = 0x6D65_7368_0021;

    private const int RunsAtOnce = 4;
    private const int JobsAtOnce = 32;
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(200);

    /// <inheritdoc/>
    protected override Task ExecuteAsync(CancellationToken stoppingToken) => options.Poll
        ? replica.RunAsync("runs", LockKey, StepAsync, stoppingToken)
        : Task.CompletedTask;

    private async Task StepAsync(CancellationToken cancellationToken)
    {
        var next = await state.CanSendAsync(cancellationToken) ? await runs.NextAsync(RunsAtOnce, JobsAtOnce, cancellationToken) : [];
        foreach (var (run, jobs) in next)
            await runs.AdvanceAsync(run, await HandleAsync(jobs, cancellationToken), cancellationToken);
        if (next.Count == 0)
            await Task.Delay(options.PollInterval, time, cancellationToken);
    }

    /// <summary>Handles jobs until none of them is due any more; those of instances that are offline are left to the poller.</summary>
    private async Task<IReadOnlyCollection<RunStep>> HandleAsync(Guid[] jobs, CancellationToken cancellationToken)
    {
        var running = new List<Task<string?>>();
        for (var open = jobs; open.Length > 0;)
        {
            var due = await store.StillDueAsync(open, cancellationToken);
            var later = new List<Guid>();
            foreach (var (instance, ids) in due)
            {
                if (!(await instances.GetAsync(instance, cancellationToken)).Connected)
                    continue;
                var reserved = await processor.ReserveAsync(instance, ids.Length, ids, cancellationToken);
                running.AddRange((await processor.ProcessAsync(reserved, cancellationToken)).Running);
                later.AddRange(ids.Except(reserved.Select(static job => job.Id)));
            }

            open = [.. later];
            if (open.Length > 0)
                await Task.Delay(Pause, time, cancellationToken);
        }

        var ended = await Task.WhenAll(running);
        var steps = ended.Select(static status => new RunStep(Claimed: true, Sent: status == SendOutcome.Sent, Failed: status is not (null or SendOutcome.Sent or SendOutcome.Cancelled)));
        return [.. steps, .. Enumerable.Repeat(default(RunStep), jobs.Length - running.Count)];
    }
}
