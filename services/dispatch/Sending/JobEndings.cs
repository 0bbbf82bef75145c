using Npgsql;
using WhatsAppMesh.Dispatch.Claims;
using WhatsAppMesh.GroupCommit;

namespace WhatsAppMesh.Dispatch.Sending;

/// <summary>Writes how attempts ended: first the job, then its claim. What ends at the same time is one statement and one call.</summary>
internal sealed class JobEndings : IAsyncDisposable
{
    private static readonly GroupCommitOptions Bounds = new() { MaxBatchItems = 256 };

    private readonly GroupCommit<FinishedJob, string?> _jobs;
    private readonly GroupCommit<(HeldClaim Claim, ClaimState State, string? ExternalId), bool> _claims;

    public JobEndings(SendStore store, ClaimStore claims)
    {
        _jobs = new(store.FinishAsync, static e => e is NpgsqlException { IsTransient: true }, Bounds);
        _claims = new(
            async (settled, cancellationToken) =>
            {
                var written = await claims.SettleAsync(settled, cancellationToken);
                return [.. settled.Select(_ => written)];
            },
            static _ => true,
            Bounds);
    }

    /// <summary>Writes the end of an attempt.</summary>
    /// <returns>The job's status now; null when the claim had been lost and nothing was written.</returns>
    /// <exception cref="NpgsqlException">The database does not answer.</exception>
    public Task<string?> FinishAsync(FinishedJob ended) => _jobs.SubmitAsync(ended);

    /// <summary>Lets a claim go.</summary>
    /// <returns>False when it could not be written; it lapses then.</returns>
    public Task<bool> SettleAsync(HeldClaim claim, ClaimState state, string? externalId) => _claims.SubmitAsync((claim, state, externalId));

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _jobs.DisposeAsync();
        await _claims.DisposeAsync();
    }
}
