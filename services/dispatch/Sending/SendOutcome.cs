namespace WhatsAppMesh.Dispatch.Sending;

/// <summary>What becomes of a job after an attempt.</summary>
/// <param name="Status">The job's new status.</param>
/// <param name="Category">Error category of the attempt; null on success.</param>
/// <param name="Wait">Until the next attempt, when the status is <c>pending</c>.</param>
/// <param name="Counts">False: the attempt was only put off.</param>
/// <param name="Error">What went wrong, in a few words.</param>
/// <param name="ExternalId">The broker's id.</param>
/// <param name="DefiniteRefusal">This attempt certainly did not send it and no other will, so that a replay may use a key of its own, unless an earlier attempt may have sent it.</param>
/// <param name="MayHaveLeft">This attempt may have sent it.</param>
public sealed record SendOutcome(
    string Status, string? Category = null, TimeSpan Wait = default, bool Counts = true, string? Error = null, string? ExternalId = null, bool DefiniteRefusal = false,
    bool MayHaveLeft = false)
{
    // What a broker that fails may ask for. Longer, and it would have forgotten the key of a message that may have left.
    private static readonly TimeSpan LongestPatience = TimeSpan.FromHours(1);

    // The sidecar waits at least so long before its second try (ADR 0020). An answer that comes sooner is that of the first.
    private static readonly TimeSpan SecondTry = TimeSpan.FromMilliseconds(250);

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

    /// <summary>Decides about a job before its call: null when it may be made.</summary>
    /// <param name="earlier">How long ago an earlier attempt began that may have sent it; null when there was none.</param>
    /// <param name="idempotency">Whether the broker would recognise a second call.</param>
    /// <param name="keyWindow">For how long it does.</param>
    public static SendOutcome? Before(TimeSpan? earlier, BrokerIdempotency idempotency, TimeSpan keyWindow) => (earlier, idempotency) switch
    {
        (null, _) => null,
        (_, BrokerIdempotency.None) => new(InDoubt, "unknown", Counts: false, Error: "an earlier attempt may have sent it"),
        var (age, _) when age >= keyWindow => new(InDoubt, "unknown", Counts: false, Error: "an earlier attempt may have sent it under a key that the broker has forgotten"),
        _ => null,
    };

    /// <summary>Decides about a job after a call to the broker.</summary>
    /// <param name="answer">How the call ended.</param>
    /// <param name="latency">How long it took: whether it may hide an earlier try by the sidecar, of which nobody tells.</param>
    /// <param name="idempotency">Whether the broker would recognise a second call.</param>
    /// <param name="attempt">Number of the attempt, from 1.</param>
    /// <param name="schedule">When the next would be.</param>
    /// <param name="postponement">For how long a job is put off that could not be tried.</param>
    /// <param name="dice">A number in [0, 1).</param>
    public static SendOutcome After(
        BrokerAnswer answer, TimeSpan latency, BrokerIdempotency idempotency, int attempt, RetrySchedule schedule, TimeSpan postponement, double dice)
    {
        ArgumentNullException.ThrowIfNull(answer);
        ArgumentNullException.ThrowIfNull(schedule);
        var mayHaveLeft = answer.MayHaveLeft || (idempotency == BrokerIdempotency.Keyed && latency >= SecondTry);
        if (answer.Verdict == BrokerVerdict.Sent)
            return new(Sent, ExternalId: answer.ExternalId, MayHaveLeft: true);
        if (answer.MayHaveLeft && idempotency == BrokerIdempotency.None)
            return new(InDoubt, answer.Category, Error: answer.Error, MayHaveLeft: true);

        var outcome = answer.Verdict switch
        {
            BrokerVerdict.Offline or BrokerVerdict.CircuitOpen => PutOff(postponement, answer.Error),
            BrokerVerdict.Permanent => new(Failed, answer.Category, Error: answer.Error, DefiniteRefusal: answer.RefusesMessage && !mayHaveLeft),
            _ when schedule.After(attempt, dice) is { } wait => new(Pending, answer.Category, WaitOf(answer, wait, schedule, dice), Error: answer.Error),
            _ => new(FailedRetryable, answer.Category, Error: answer.Error),
        };
        return outcome with { MayHaveLeft = mayHaveLeft };
    }

    /// <summary>A broker that throttles says when to come back; one that fails may at most ask for more patience than the schedule has.</summary>
    private static TimeSpan WaitOf(BrokerAnswer answer, TimeSpan wait, RetrySchedule schedule, double dice) => (answer.Verdict, answer.RetryAfter) switch
    {
        (BrokerVerdict.Throttled, { } asked) => schedule.NotBefore(asked, dice),
        (_, { } asked) when asked > wait => asked < LongestPatience || wait > LongestPatience ? asked : LongestPatience,
        _ => wait,
    };

    /// <summary>The job could not be tried now; the attempt does not count.</summary>
    public static SendOutcome PutOff(TimeSpan wait, string? why) => new(Pending, Wait: wait, Counts: false, Error: why);
}
