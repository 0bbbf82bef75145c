using WhatsAppMesh.Dispatch.Claims;

namespace WhatsAppMesh.Dispatch.Sending;

/// <summary>
/// Takes jobs over whose worker is gone and makes them due again: they come to the processor like any other, with a slot of their instance's
/// rate, and none of them is sent past what the broker or the circuit breaker asked for.
/// </summary>
internal sealed partial class JobRecovery(
    JobClaims claims, StaleJobs jobs, InFlightJobs inFlight, SendMetrics metrics, SendingOptions options, ClaimOptions leases, ILogger<JobRecovery> logger)
{
    private const int Batch = 256;

    /// <summary>While claims fail, finds out whether they still do.</summary>
    public Task ProbeAsync(CancellationToken cancellationToken) => claims.ProbeAsync(cancellationToken);

    /// <summary>One look for such jobs.</summary>
    /// <exception cref="Dapr.DaprException">The state store does not answer.</exception>
    /// <exception cref="Npgsql.NpgsqlException">The database does not answer.</exception>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        var stale = await jobs.FindAsync(leases.Lease, Batch, cancellationToken);
        // One that this replica still has in hand has a slow worker, not a dead one.
        var others = stale.DistinctBy(static job => job.SendKey).Where(inFlight.TryEnter).ToList();
        try
        {
            if (others.Count > 0)
                await TakeOverAsync(others, cancellationToken);
        }
        finally
        {
            others.ForEach(job => inFlight.Leave(job.Id));
        }
    }

    private async Task TakeOverAsync(List<DueJob> stale, CancellationToken cancellationToken)
    {
        var (taken, sent, _) = await claims.TakeAsync(stale, cancellationToken);
        metrics.DuplicatesBlocked(sent);
        if (taken.Count == 0)
            return;
        var statuses = await claims.ReleaseIfFailsAsync(taken, () => jobs.GiveBackAsync(taken, options.Idempotency == BrokerIdempotency.Keyed));
        claims.Release(taken.Values);
        Log.TakenOver(logger, statuses.Count, statuses.Count(static status => status == SendOutcome.InDoubt));
    }

    private static partial class Log
    {
        [LoggerMessage(4112, LogLevel.Warning, "{Count} jobs were taken over from workers that are gone; {InDoubt} of them may have been sent and are in doubt")]
        public static partial void TakenOver(ILogger logger, int count, int inDoubt);
    }
}
