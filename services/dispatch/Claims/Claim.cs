namespace WhatsAppMesh.Dispatch.Claims;

/// <summary>What a claim says about its work.</summary>
public enum ClaimState
{
    /// <summary>Somebody is at it, for as long as the lease lasts.</summary>
    Held,

    /// <summary>Nobody is at it, and it was not done: it may be taken.</summary>
    Released,

    /// <summary>It is done, and must never be done again.</summary>
    Sent,
}

/// <summary>A claim as the state store keeps it, under the hash of a job's key.</summary>
/// <param name="Owner">Worker and nonce of the one who took it: no two attempts share it, so reading it back tells whose it is.</param>
/// <param name="Fence">Grows with every taking.</param>
/// <param name="LeaseUntil">When the lease ends by the owner's clock: for people. Nobody decides by another machine's clock.</param>
/// <param name="LeaseSeconds">How long the same ETag must be watched before the claim may be taken over.</param>
/// <param name="State">What became of the work.</param>
/// <param name="ExternalId">The broker's id of what was sent.</param>
public sealed record Claim(
    string Owner, long Fence, DateTimeOffset LeaseUntil, double LeaseSeconds, ClaimState State = ClaimState.Held, string? ExternalId = null);

/// <summary>A claim to take.</summary>
/// <param name="Key">The claim's key: the job's <c>send_key</c>.</param>
/// <param name="Fence">The newest fence the caller knows of; the claim's will be higher, even on an emptied store.</param>
public sealed record ClaimWish(string Key, long Fence);

/// <summary>A claim that is ours.</summary>
/// <param name="Key">Its key.</param>
/// <param name="Owner">The owner written into it.</param>
/// <param name="Fence">Its fence: every later write to the job says so.</param>
/// <param name="ETag">Its version.</param>
/// <param name="Since">Monotonic timestamp from before the write: the lease ends a lease's length after it.</param>
public sealed record HeldClaim(string Key, string Owner, long Fence, string ETag, long Since);

/// <summary>What came of the wish for a claim.</summary>
public abstract record ClaimAnswer
{
    private ClaimAnswer()
    {
    }

    /// <summary>It is ours.</summary>
    public sealed record Taken(HeldClaim Claim) : ClaimAnswer;

    /// <summary>Somebody else has it, or was faster.</summary>
    public sealed record Busy : ClaimAnswer;

    /// <summary>
    /// The store did not tell what is there: it gave nothing under a key that had just been written. Nobody may take that for a claim that
    /// is free, or for one that somebody else has.
    /// </summary>
    public sealed record NoAnswer : ClaimAnswer;

    /// <summary>The work is done.</summary>
    /// <param name="ExternalId">The broker's id.</param>
    /// <param name="Fence">The fence under which it was done.</param>
    public sealed record AlreadySent(string? ExternalId, long Fence) : ClaimAnswer;
}
