namespace WhatsAppMesh.DevSidecar.Resiliency;

/// <summary>How often and when a failed operation is tried again.</summary>
public sealed record RetryPolicy
{
    /// <summary>Dapr's exponential policy gives up once the time spent plus the next wait pass this, whatever maxRetries says.</summary>
    private static readonly TimeSpan ExponentialTotal = TimeSpan.FromMinutes(15);

    /// <summary>Waits grow by half each time and are spread by 50 % either way; false = always <see cref="Duration"/>.</summary>
    public bool Exponential { get; init; }

    /// <summary>Wait of a constant policy. Default 5 s.</summary>
    public TimeSpan Duration { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>Largest base wait of an exponential policy, before it is spread. Default 60 s.</summary>
    public TimeSpan MaxInterval { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>Retries after the first attempt; -1 = without end.</summary>
    public int MaxRetries { get; init; } = -1;

    /// <summary>HTTP status codes worth a retry; null = all.</summary>
    public CodeRanges? HttpStatusCodes { get; init; }

    /// <summary>gRPC status codes worth a retry; null = all.</summary>
    public CodeRanges? GrpcStatusCodes { get; init; }

    /// <summary>One attempt, no retries.</summary>
    public static RetryPolicy None { get; } = new() { MaxRetries = 0 };

    /// <summary>The wait before a retry, or null when there is none left.</summary>
    /// <param name="retry">1 = the first retry.</param>
    /// <param name="elapsed">Time since the first attempt began.</param>
    /// <param name="spread">A number in [0, 1) for the jitter.</param>
    public TimeSpan? WaitBefore(int retry, TimeSpan elapsed, double spread)
    {
        if (MaxRetries >= 0 && retry > MaxRetries)
            return null;

        if (!Exponential)
            return Duration;

        // The base grows 500 ms x 1.5 up to the largest interval; the jitter of one wait is not fed back into the next.
        var steps = Math.Min(retry - 1, 64);
        var wait = steps == 0 ? 500 : Math.Min(500 * Math.Pow(1.5, steps), MaxInterval.TotalMilliseconds);
        var spreadWait = TimeSpan.FromMilliseconds(wait * (0.5 + spread));
        return elapsed + spreadWait > ExponentialTotal ? null : spreadWait;
    }

    /// <summary>Whether the code of a failure allows a retry; a failure without a code always does.</summary>
    public bool Allows(AttemptFailure failure)
    {
        ArgumentNullException.ThrowIfNull(failure);
        return (failure.HttpStatus is not { } http || HttpStatusCodes is null || HttpStatusCodes.Contains(http))
            && (failure.GrpcStatus is not { } grpc || GrpcStatusCodes is null || GrpcStatusCodes.Contains(grpc));
    }
}
