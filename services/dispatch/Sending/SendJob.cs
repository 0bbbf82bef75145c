using WhatsAppMesh.Dispatch.Claims;

namespace WhatsAppMesh.Dispatch.Sending;

/// <summary>A job that is due, reserved for this replica for a moment.</summary>
/// <param name="Id">The job.</param>
/// <param name="SendKey">Key of its claim.</param>
/// <param name="Fence">The newest fence its row knows.</param>
/// <param name="InstanceId">Who sends it.</param>
/// <param name="Slot">How long from now its rate slot is.</param>
internal sealed record DueJob(Guid Id, string SendKey, long Fence, string InstanceId, TimeSpan Slot);

/// <summary>A job whose claim is ours and whose row says <c>processing</c>.</summary>
internal sealed record StartedJob
{
    public required Guid Id { get; init; }

    public required string Tenant { get; init; }

    /// <summary><c>automation</c>, whose message is a template, or <c>direct</c>, whose message is meant as it is.</summary>
    public required string Kind { get; init; }

    public required string InstanceId { get; init; }

    /// <summary>Key of the claim, <c>Idempotency-Key</c>, and how logs name the job.</summary>
    public required string SendKey { get; init; }

    /// <summary>The message as the automation or the direct send said it, JSON.</summary>
    public required string Message { get; init; }

    /// <summary>Whom it is for, JSON.</summary>
    public required string Subject { get; init; }

    /// <summary>Number of this attempt, from 1.</summary>
    public required int Attempt { get; init; }

    public required string? TraceParent { get; init; }

    /// <summary>How long ago the first attempt under its send key began that may have sent it; null when there was none.</summary>
    public TimeSpan? EarlierSend { get; init; }

    /// <summary>The claim; a renewed one replaces it.</summary>
    public required HeldClaim Claim { get; set; }

    /// <summary>Monotonic timestamp of its rate slot.</summary>
    public long SlotAt { get; init; }
}

/// <summary>The end of an attempt, to be written.</summary>
/// <param name="Job">The job.</param>
/// <param name="Claim">The claim it was made under.</param>
/// <param name="Outcome">What becomes of the job.</param>
/// <param name="HttpStatus">What the broker answered.</param>
/// <param name="Latency">How long the call took; null when there was none.</param>
/// <param name="Answer">The broker's answer, redacted.</param>
internal sealed record FinishedJob(StartedJob Job, HeldClaim Claim, SendOutcome Outcome, int? HttpStatus = null, TimeSpan? Latency = null, string? Answer = null);
