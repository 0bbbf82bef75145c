namespace WhatsAppMesh.Edge.Limits;

/// <summary>How much is let through: <paramref name="PerSecond"/> requests a second on average, and <paramref name="Burst"/> at once.</summary>
/// <param name="PerSecond">Requests per second; 0 means no limit.</param>
/// <param name="Burst">Requests that may come at once after a pause; at least 1.</param>
public readonly record struct Rate(double PerSecond, int Burst)
{
    /// <summary>True when nothing is limited.</summary>
    public bool IsUnlimited => PerSecond <= 0;
}

/// <summary>
/// A token bucket in one number: the moment at which the bucket would be full again (the generic cell rate algorithm). Taking is one
/// compare-and-swap, waiting costs no timer, and a bucket is eight bytes.
/// </summary>
public static class RateGate
{
    /// <summary>Takes one request from the bucket.</summary>
    /// <param name="fullAt">The bucket's state; 0 is full.</param>
    /// <param name="rate">Its limit.</param>
    /// <param name="clock">Gives the monotonic time.</param>
    /// <returns>Zero when let through, else how long until one would be.</returns>
    public static TimeSpan Take(ref long fullAt, Rate rate, TimeProvider clock)
    {
        if (rate.IsUnlimited)
            return TimeSpan.Zero;
        var interval = Math.Max(1, (long)(clock.TimestampFrequency / rate.PerSecond));
        var tolerance = interval * Math.Max(1, rate.Burst);
        var now = clock.GetTimestamp();
        while (true)
        {
            var seen = Volatile.Read(ref fullAt);
            var next = Math.Max(seen, now) + interval;
            if (next - now > tolerance)
                return clock.GetElapsedTime(now, next - tolerance);
            if (Interlocked.CompareExchange(ref fullAt, next, seen) == seen)
                return TimeSpan.Zero;
        }
    }
}

/// <summary>The bucket of one source. It outlives a reload of the configuration that leaves the limit as it is.</summary>
public sealed class SourceRateGate(Rate rate)
{
    private long _fullAt;

    /// <summary>The limit.</summary>
    public Rate Rate { get; } = rate;

    /// <summary>Zero when let through, else how long until a request would be.</summary>
    public TimeSpan Take(TimeProvider clock) => RateGate.Take(ref _fullAt, Rate, clock);
}
