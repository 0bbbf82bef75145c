using WhatsAppMesh.Dispatch.Claims;

namespace WhatsAppMesh.Dispatch.Sending;

/// <summary>What became of jobs that were handed to the processor.</summary>
/// <param name="Skipped">Claimed by another worker, or no longer to be done.</param>
/// <param name="AlreadySent">Their claims say that they were sent before.</param>
/// <param name="Unanswered">The store did not tell of their claims: they stay due.</param>
/// <param name="Running">The others: each completes with the job's status, or with null when its claim was lost.</param>
internal sealed record ProcessReport(int Skipped, int AlreadySent, int Unanswered, IReadOnlyList<Task<string?>> Running);

/// <summary>The one way to a send, for the poller and for runs alike: claim, mark as processing, run.</summary>
internal sealed class JobProcessor(
    JobClaims claims, SendStore store, JobRunner runner, InFlightJobs inFlight, SendMetrics metrics, SendingOptions options, TimeProvider time)
{
    private static readonly TimeSpan Horizon = TimeSpan.FromSeconds(1);

    /// <summary>Reserves due jobs of an instance for this replica, as many as it has room and the rate has slots for.</summary>
    /// <param name="instance">The instance.</param>
    /// <param name="limit">At most so many.</param>
    /// <param name="only">Only these; null = any.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public async Task<IReadOnlyList<DueJob>> ReserveAsync(string instance, int limit, Guid[]? only, CancellationToken cancellationToken)
    {
        var room = Math.Min(limit, Math.Min(inFlight.Room, inFlight.RoomOf(instance)));
        return room <= 0
            ? []
            : await store.ReserveAsync(instance, room, only, options.RatePerSecond, Horizon, options.Reservation, cancellationToken);
    }

    /// <summary>Claims jobs and starts those whose claims it got.</summary>
    /// <param name="due">The jobs.</param>
    /// <param name="stopping">No send begins any more.</param>
    /// <exception cref="Dapr.DaprException">The state store does not answer: nothing was started.</exception>
    /// <exception cref="Npgsql.NpgsqlException">The database does not answer: nothing was started.</exception>
    public async Task<ProcessReport> ProcessAsync(IReadOnlyList<DueJob> due, CancellationToken stopping)
    {
        var now = time.GetTimestamp();
        // Rows that share a send key (a job and its replay) share a claim: one at a time.
        var mine = due.DistinctBy(static job => job.SendKey).Where(inFlight.TryEnter).ToList();
        var left = mine.Select(static job => job.Id).ToHashSet();
        try
        {
            var (taken, sent, unanswered) = await claims.TakeAsync(mine, stopping);
            var slots = mine.ToDictionary(static job => job.Id, job => now + (long)(job.Slot.TotalSeconds * time.TimestampFrequency));
            var started = await StartAsync(taken, slots);
            metrics.Claimed(started.Count);
            metrics.DuplicatesBlocked(sent);
            var skipped = due.Count - started.Count - sent - unanswered;
            metrics.Skipped(skipped);
            left.ExceptWith(started.Select(static job => job.Id));
            return new ProcessReport(skipped, sent, unanswered, [.. started.Select(job => RunAsync(job, stopping))]);
        }
        finally
        {
            foreach (var id in left)
                inFlight.Leave(id);
        }
    }

    // Not to be stopped halfway: what has been started under a claim runs, if only to be put off.
    private async Task<IReadOnlyList<StartedJob>> StartAsync(Dictionary<Guid, HeldClaim> taken, Dictionary<Guid, long> slots)
    {
        if (taken.Count == 0)
            return [];
        var keyed = options.Idempotency == BrokerIdempotency.Keyed;
        var started = await claims.ReleaseIfFailsAsync(taken, () => store.StartAsync(taken, mayLeaveAtOnce: keyed, id => slots[id], CancellationToken.None));
        // What is no longer pending was cancelled, sent or taken over meanwhile: its claim is not needed.
        claims.Release(taken.Keys.Except(started.Select(static job => job.Id)).Select(id => taken[id]));
        return started;
    }

    private async Task<string?> RunAsync(StartedJob job, CancellationToken stopping)
    {
        try
        {
            return await Task.Run(() => runner.RunAsync(job, stopping), CancellationToken.None);
        }
        finally
        {
            inFlight.Leave(job.Id);
        }
    }
}
