using System.Globalization;
using System.Security.Cryptography;
using System.Text.Json;
using Dapr;
using Dapr.Client;
using WhatsAppMesh.Hosting;

namespace WhatsAppMesh.Dispatch.Claims;

/// <summary>
/// Claims in a Dapr state store. Every write is first-write or carries an ETag, and what it answers is never believed: the claims are read
/// back, and they are ours when they name our owner. So a lost answer, a refusal (INTERNAL on a create, ABORTED with an ETag) and an outage
/// that a store reports as a refusal all end in the same question, which every store answers alike (ADR 0021). The Dapr client leaves out
/// what went wrong with a single key of a bulk read, so a key that was just written and is not there is no answer; one that holds no claim
/// is none either.
/// </summary>
/// <param name="dapr">The sidecar.</param>
/// <param name="options">Settings.</param>
/// <param name="worker">Who takes them.</param>
/// <param name="watch">What was seen of others' claims.</param>
/// <param name="calls">Counts what the store does, and tells when it fails.</param>
/// <param name="time">The clock.</param>
public sealed class ClaimStore(DaprClient dapr, ClaimOptions options, WorkerIdentity worker, LeaseWatch watch, ClaimCalls calls, TimeProvider time)
{
    private static readonly StateOptions FirstWrite = new() { Concurrency = ConcurrencyMode.FirstWrite, Consistency = ConsistencyMode.Strong };

    // Always explicit: one kind of store drops the TTL of a write without one, the other keeps the old.
    private readonly Dictionary<string, string> _ttl = new()
    {
        ["ttlInSeconds"] = ((int)Math.Min(options.Retention.TotalSeconds, int.MaxValue)).ToString(CultureInfo.InvariantCulture),
    };

    /// <summary>What is left of a claim's lease, by this process's monotonic clock; negative when it has lapsed.</summary>
    public TimeSpan Left(HeldClaim claim) => options.Lease - time.GetElapsedTime(claim.Since);

    /// <summary>Takes claims: those that nobody has, and those that have lapsed.</summary>
    /// <returns>An answer per wish, in their order.</returns>
    /// <exception cref="DaprException">The store does not answer, for any of them. What was written may stand; it lapses.</exception>
    public async Task<IReadOnlyList<ClaimAnswer>> TakeAsync(IReadOnlyList<ClaimWish> wishes, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(wishes);
        if (wishes.Count == 0)
            return [];

        var owner = $"{worker.Name}/{RandomNumberGenerator.GetHexString(16, lowercase: true)}";
        var since = time.GetTimestamp();
        var creates = wishes.Select(wish => Save(wish.Key, Mine(owner, wish.Fence + 1), etag: "")).ToList();
        var created = await WriteAsync(creates, cancellationToken);
        var found = await ReadAsync(wishes.Select(static wish => wish.Key), ("create", created), cancellationToken);
        var failure = calls.Wrote("create", created, isExplained: wishes.All(wish => found.ContainsKey(wish.Key)));

        var free = wishes.Where(wish => found.TryGetValue(wish.Key, out var claim) && claim.Value.Owner != owner && IsFree(wish.Key, claim)).ToList();
        var takenOverSince = since;
        if (free.Count > 0)
        {
            var takeovers = free.Select(wish =>
            {
                var (claim, etag) = found[wish.Key];
                return Save(wish.Key, Mine(owner, Math.Max(claim.Fence, wish.Fence) + 1), etag);
            });
            takenOverSince = time.GetTimestamp();
            var takenOver = await WriteAsync([.. takeovers], cancellationToken);
            var now = await ReadAsync(free.Select(static wish => wish.Key), ("take_over", takenOver), cancellationToken);
            var isExplained = free.All(wish => now.TryGetValue(wish.Key, out var claim) && claim.ETag != found[wish.Key].ETag);
            failure ??= calls.Wrote("take_over", takenOver, isExplained);
            foreach (var wish in free)
            {
                if (!now.TryGetValue(wish.Key, out var claim))
                    found.Remove(wish.Key);
                else
                    found[wish.Key] = claim;
            }
        }

        calls.Ended(failure ?? (wishes.All(wish => found.ContainsKey(wish.Key)) ? null : ClaimCalls.Unanswered));
        if (found.Count == 0)
            throw new DaprException($"The state store {options.Store} gave none of {wishes.Count} claims that were just written.");
        return [.. wishes.Select(wish => Answer(wish.Key, owner, free.Contains(wish) ? takenOverSince : since, found))];
    }

    /// <summary>Prolongs a claim by a whole lease from now.</summary>
    /// <returns>The claim with its new version; null when it is no longer ours.</returns>
    /// <exception cref="DaprException">The store does not answer, or shows nothing where the claim was.</exception>
    public async Task<HeldClaim?> RenewAsync(HeldClaim claim, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(claim);
        var since = time.GetTimestamp();
        var written = await WriteAsync([Save(claim.Key, Mine(claim.Owner, claim.Fence), claim.ETag)], cancellationToken);
        var isThere = (await ReadAsync([claim.Key], ("renew", written), cancellationToken)).TryGetValue(claim.Key, out var now);
        var failure = calls.Wrote("renew", written, isExplained: isThere && now.ETag != claim.ETag);
        calls.Ended(failure ?? (isThere ? null : ClaimCalls.Unanswered));
        if (!isThere)
            throw new DaprException($"The state store {options.Store} shows nothing where a claim is held.");
        // Still ours with the old version means that the write never arrived; the old lease goes on.
        return now.Value.Owner == claim.Owner && now.Value.State == ClaimState.Held
            ? claim with { ETag = now.ETag, Since = now.ETag == claim.ETag ? claim.Since : since }
            : null;
    }

    /// <summary>Lets claims go: as sent, or for the next who wants them. One that is no longer ours is left alone; one that cannot be written lapses.</summary>
    /// <returns>False when at least one could not be written.</returns>
    public async Task<bool> SettleAsync(IReadOnlyList<(HeldClaim Claim, ClaimState State, string? ExternalId)> settled, CancellationToken cancellationToken) =>
        calls.Settled(await WriteAsync(
            [.. settled.Select(s => Save(
                s.Claim.Key,
                new Claim(s.Claim.Owner, s.Claim.Fence, time.GetUtcNow(), options.Lease.TotalSeconds, s.State, s.ExternalId),
                s.Claim.ETag))],
            cancellationToken));

    /// <summary>
    /// While the store fails, takes and lets go a claim of no job: so that its recovery is seen though no job is due. One key for a worker; it
    /// goes with the retention of claims.
    /// </summary>
    public async Task ProbeAsync(CancellationToken cancellationToken)
    {
        if (!calls.IsFailing)
            return;
        try
        {
            if ((await TakeAsync([new ClaimWish($"probe-{worker.Name}", 0)], cancellationToken))[0] is ClaimAnswer.Taken { Claim: var claim })
                await SettleAsync([(claim, ClaimState.Released, null)], cancellationToken);
        }
        catch (DaprException)
        {
            // The call has been counted, and that the store fails is known.
        }
    }

    private bool IsFree(string key, (Claim Value, string ETag) claim) => claim.Value.State switch
    {
        ClaimState.Released => true,
        ClaimState.Held => watch.HasLapsed(key, claim.ETag, TimeSpan.FromSeconds(claim.Value.LeaseSeconds)),
        _ => false,
    };

    private ClaimAnswer Answer(string key, string owner, long since, Dictionary<string, (Claim Value, string ETag)> found)
    {
        if (!found.TryGetValue(key, out var claim))
            return new ClaimAnswer.NoAnswer();
        if (claim.Value.Owner == owner || claim.Value.State == ClaimState.Sent)
            watch.Forget(key);
        if (claim.Value.State == ClaimState.Sent)
            return new ClaimAnswer.AlreadySent(claim.Value.ExternalId, claim.Value.Fence);
        return claim.Value.Owner == owner && claim.Value.State == ClaimState.Held
            ? new ClaimAnswer.Taken(new HeldClaim(key, owner, claim.Value.Fence, claim.ETag, since))
            : new ClaimAnswer.Busy();
    }

    private Claim Mine(string owner, long fence) => new(owner, fence, time.GetUtcNow() + options.Lease, options.Lease.TotalSeconds);

    private SaveStateItem<Claim> Save(string key, Claim claim, string etag) => new(key, claim, etag, FirstWrite, _ttl);

    /// <summary>Writes; whether it worked is for the reader to see.</summary>
    /// <returns>Null when the store took it, else its status code.</returns>
    private async Task<string?> WriteAsync(IReadOnlyList<SaveStateItem<Claim>> items, CancellationToken cancellationToken)
    {
        using var patience = Patience(cancellationToken);
        try
        {
            await dapr.SaveBulkStateAsync(options.Store, items, patience.Token);
            return null;
        }
        catch (Exception exception) when (exception is DaprException || (exception is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            return FailureCode.Of(exception);
        }
    }

    /// <summary>Reads what was just written, or tried to.</summary>
    /// <param name="keys">The keys.</param>
    /// <param name="written">The write before it and its code: of a store that takes nothing and shows nothing, the write says why.</param>
    /// <param name="cancellationToken">Gives up.</param>
    private async Task<Dictionary<string, (Claim Value, string ETag)>> ReadAsync(
        IEnumerable<string> keys, (string Call, string? Code) written, CancellationToken cancellationToken)
    {
        using var patience = Patience(cancellationToken);
        try
        {
            IReadOnlyList<string> wanted = [.. keys.Distinct()];
            var items = await dapr.GetBulkStateAsync(options.Store, wanted, parallelism: null, cancellationToken: patience.Token);
            var found = new Dictionary<string, (Claim Value, string ETag)>();
            var isMalformed = false;
            foreach (var item in items.Where(static item => !string.IsNullOrEmpty(item.Value)))
            {
                if (Parse(item.Value) is { } claim)
                    found.Add(item.Key, (claim, item.ETag));
                else
                    isMalformed = true;
            }

            calls.Read(isMalformed ? FailureCode.Malformed : found.Count < wanted.Count ? written.Code ?? ClaimCalls.Unanswered : null);
            return found;
        }
        catch (Exception exception) when (exception is DaprException || (exception is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            calls.Wrote(written.Call, written.Code, isExplained: false);
            calls.ReadFailed(FailureCode.Of(exception));
            throw exception as DaprException ?? new DaprException($"The state store {options.Store} did not answer within {options.Timeout}.", exception);
        }
    }

    // What stands under one key must not hold up the others.
    private Claim? Parse(string text)
    {
        try
        {
            return JsonSerializer.Deserialize<Claim>(text, dapr.JsonSerializerOptions) is { Owner: not null } claim ? claim : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private CancellationTokenSource Patience(CancellationToken cancellationToken)
    {
        var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        patience.CancelAfter(options.Timeout);
        return patience;
    }
}
