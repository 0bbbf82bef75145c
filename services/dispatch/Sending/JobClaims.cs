using WhatsAppMesh.Dispatch.Claims;

namespace WhatsAppMesh.Dispatch.Sending;

/// <summary>Claims of jobs: taken for many at once, and let go again when nothing comes of them.</summary>
internal sealed class JobClaims(ClaimStore claims, SendStore store, JobEndings endings, SendMetrics metrics)
{
    /// <summary>Takes the claims of jobs. Those whose claims say that they were sent end as sent.</summary>
    /// <returns>The claims that are ours, by job; how many jobs were sent before; how many the store told nothing about: they stay due.</returns>
    /// <exception cref="Dapr.DaprException">The state store does not answer.</exception>
    /// <exception cref="Npgsql.NpgsqlException">The database does not answer.</exception>
    public async Task<(Dictionary<Guid, HeldClaim> Taken, int AlreadySent, int Unanswered)> TakeAsync(IReadOnlyList<DueJob> jobs, CancellationToken cancellationToken)
    {
        var answers = await claims.TakeAsync([.. jobs.Select(static job => new ClaimWish(job.SendKey, job.Fence))], cancellationToken);
        var unanswered = answers.Count(static answer => answer is ClaimAnswer.NoAnswer);
        metrics.Unanswered(unanswered);
        var (taken, sent) = (new Dictionary<Guid, HeldClaim>(), new List<(Guid, string?, long)>());
        foreach (var (job, answer) in jobs.Zip(answers))
        {
            if (answer is ClaimAnswer.Taken { Claim: var claim })
                taken.Add(job.Id, claim);
            else if (answer is ClaimAnswer.AlreadySent before)
                sent.Add((job.Id, before.ExternalId, before.Fence));
        }

        await ReleaseIfFailsAsync(taken, async () =>
        {
            if (sent.Count > 0)
                await store.AlreadySentAsync(sent, CancellationToken.None);
            return sent.Count;
        });
        return (taken, sent.Count, unanswered);
    }

    /// <summary>While claims fail, finds out whether they still do.</summary>
    public Task ProbeAsync(CancellationToken cancellationToken) => claims.ProbeAsync(cancellationToken);

    /// <summary>
    /// Does what follows on claims, and lets them go when that fails: whoever comes next need not wait for a lease. Nobody acts on them then,
    /// not even when the failed statement took effect after all: a row that says <c>processing</c> under a free claim is recovered as stale.
    /// </summary>
    public async Task<T> ReleaseIfFailsAsync<T>(Dictionary<Guid, HeldClaim> taken, Func<Task<T>> next)
    {
        try
        {
            return await next();
        }
        catch (Exception)
        {
            Release(taken.Values);
            throw;
        }
    }

    /// <summary>Lets claims go, without waiting for it: one that cannot be written lapses.</summary>
    public void Release(IEnumerable<HeldClaim> held)
    {
        foreach (var claim in held)
            _ = endings.SettleAsync(claim, ClaimState.Released, null);
    }
}
