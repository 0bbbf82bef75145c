namespace WhatsAppMesh.Dispatch.Sending;

/// <summary>What becomes of a job after an attempt.</summary>
/// <param name="Status">The job's new status.</param>
/// <param name="Category">Error category of the attempt; null on success.</param>
/// <param name="Wait">Until the next attempt, when the status is <c>pending</c>.</param>
/// <param name="Counts">False: the attempt was only put off.</param>
/// <param name="Error">What went wrong, in a few words.</param>
/// <param name="ExternalId">The broker's id.</param>
/// <param name="DefiniteRefusal">The broker certainly did not send it, so a replay may use a key of its own.</param>
public sealed record SendOutcome(
    string Status, string? Category = null, TimeSpan Wait = default, bool Counts = true, string? Error = null, string? ExternalId = null, bool DefiniteRefusal = false)
{
    /// <summary>The message left.</summary>
    public const string Sent = "sent";

    /// <summary>It waits for its next attempt.</summary>
    public const string Pending = "pending";

    /// <summary>It failed in a way that a replay may cure.</summary>
    public const string FailedRetryable = "failed_retryable";

    /// <summary>It can never succeed as it is.</summary>
    public const string Failed = "failed";

    /// <summary>Nobody knows whether it left; a person decides.</summary>
    public const string InDoubt = "in_doubt";

    /// <summary>It was called off.</summary>
    public const string Cancelled = "cancelled";

    /// <summary>True when nothing more happens by itself.</summary>
    public bool IsFinal => Status != Pending;

    /// <summary>Decides about a job after a call to the broker.</summary>
    /// <param name="answer">How the call ended.</param>
    /// <param name="idempotency">Whether the broker would recognise a second call.</param>
    /// <param name="attempt">Number of the attempt, from 1.</param>
    /// <param name="schedule">When the next would be.</param>
    /// <param name="postponement">For how long a job is put off that could not be tried.</param>
    /// <param name="dice">A number in [0, 1).</param>
    public static SendOutcome After(BrokerAnswer answer, BrokerIdempotency idempotency, int attempt, RetrySchedule schedule, TimeSpan postponement, double dice)
    {
        ArgumentNullException.ThrowIfNull(answer);
        ArgumentNullException.ThrowIfNull(schedule);
        if (answer.Verdict == BrokerVerdict.Sent)
            return new(Sent, ExternalId: answer.ExternalId);
        if (answer.MayHaveLeft && idempotency == BrokerIdempotency.None)
            return new(InDoubt, answer.Category, Error: answer.Error);

        switch (answer.Verdict)
        {
            case BrokerVerdict.Offline or BrokerVerdict.CircuitOpen:
                return PutOff(postponement, answer.Error);
            case BrokerVerdict.Permanent:
                return new(Failed, answer.Category, Error: answer.Error, DefiniteRefusal: true);
        }

        return schedule.After(attempt, dice) is { } wait
            ? new(Pending, answer.Category, answer.RetryAfter ?? wait, Error: answer.Error)
            : new(FailedRetryable, answer.Category, Error: answer.Error);
    }

    /// <summary>The job could not be tried now; the attempt does not count.</summary>
    public static SendOutcome PutOff(TimeSpan wait, string? why) => new(Pending, Wait: wait, Counts: false, Error: why);
}
