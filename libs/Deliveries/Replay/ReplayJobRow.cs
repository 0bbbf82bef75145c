using Google.Protobuf.WellKnownTypes;
using WhatsAppMesh.DeadLetters.V1;

namespace WhatsAppMesh.Deliveries;

/// <summary>Consecutive positions of one log, as a job stores them.</summary>
internal sealed record LogSpan(int Log, long From, long To)
{
    public long Count => To - From + 1;
}

/// <summary>A replay job: which dead letters or positions, how far it got, who wants it and why.</summary>
internal sealed record ReplayJobRow
{
    public const string Running = "running";
    public const string Paused = "paused";
    public const string Done = "done";
    public const string Cancelled = "cancelled";

    public required Guid Id { get; init; }

    /// <summary>Only this tenant's events are touched; empty for an operator of the whole mesh.</summary>
    public required string Tenant { get; init; }

    /// <summary>The dead letters to replay, fixed when the job was made.</summary>
    public IReadOnlyList<Guid> DeadLetters { get; init; } = [];

    /// <summary>The positions to replay from the lake; used when there are no dead letters.</summary>
    public IReadOnlyList<LogSpan> Spans { get; init; } = [];

    public string State { get; init; } = Running;

    /// <summary>Events per second.</summary>
    public required int Rate { get; init; }

    public required long Matched { get; init; }

    /// <summary>Whether positions that were applied before may start sends again.</summary>
    public bool AllowSends { get; init; }

    /// <summary>Dead letters or positions behind the job, whatever became of them.</summary>
    public long Cursor { get; init; }

    public long Replayed { get; init; }

    public long Failed { get; init; }

    public required string Reason { get; init; }

    public required string RequestedBy { get; init; }

    public required DateTimeOffset CreatedAt { get; init; }

    public DateTimeOffset? FinishedAt { get; init; }

    /// <summary>Where the cursor stands when all is done.</summary>
    public long Length => DeadLetters.Count > 0 ? DeadLetters.Count : Spans.Sum(static span => span.Count);

    /// <summary>The job as the contract shows it.</summary>
    public ReplayJob ToContract() => new()
    {
        JobId = Id.ToString(),
        State = State,
        Matched = Matched,
        Replayed = Replayed,
        Failed = Failed,
        Reason = Reason,
        RequestedBy = RequestedBy,
        CreatedAt = Timestamp.FromDateTimeOffset(CreatedAt),
        FinishedAt = FinishedAt is { } finishedAt ? Timestamp.FromDateTimeOffset(finishedAt) : null,
    };
}

/// <summary>Bounds of a job's rate, in events per second.</summary>
internal static class ReplayRates
{
    public const int Max = 1000;
}
