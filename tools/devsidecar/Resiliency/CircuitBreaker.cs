namespace WhatsAppMesh.DevSidecar.Resiliency;

/// <summary>Settings of a circuit breaker.</summary>
public sealed record BreakerPolicy
{
    /// <summary>Calls let through while half open, and successes in a row that close it. Default 1.</summary>
    public int MaxRequests { get; init; } = 1;

    /// <summary>How often the counts start anew while closed; zero = never.</summary>
    public TimeSpan Interval { get; init; }

    /// <summary>How long it stays open. Default 60 s.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>When it opens.</summary>
    public TripRule Trip { get; init; } = TripRule.Default;
}

/// <summary>A circuit breaker: closed, open, half open, as Dapr's behaves.</summary>
public sealed class CircuitBreaker(BreakerPolicy policy, TimeProvider time)
{
    private enum Phase
    {
        Closed,
        Open,
        HalfOpen,
    }

    private readonly Lock _lock = new();
    private Phase _phase;
    private long _generation;
    private BreakerCounts _counts;
    private long _since = time.GetTimestamp();

    /// <summary>Asks to make a call.</summary>
    /// <param name="ticket">To be handed back to <see cref="Report"/>.</param>
    /// <returns>False while open, or half open with enough calls under way: the call must not be made.</returns>
    public bool TryEnter(out long ticket)
    {
        lock (_lock)
        {
            Advance();
            ticket = _generation;
            if (_phase == Phase.Open || (_phase == Phase.HalfOpen && _counts.Requests >= policy.MaxRequests))
                return false;

            _counts = _counts.WithRequest();
            return true;
        }
    }

    /// <summary>Tells how a call ended. A call that began in an earlier phase changes nothing.</summary>
    public void Report(long ticket, bool success)
    {
        lock (_lock)
        {
            Advance();
            if (ticket != _generation)
                return;

            _counts = success ? _counts.WithSuccess() : _counts.WithFailure();
            if (_phase == Phase.HalfOpen && !success)
                Enter(Phase.Open);
            else if (_phase == Phase.HalfOpen && _counts.ConsecutiveSuccesses >= policy.MaxRequests)
                Enter(Phase.Closed);
            else if (_phase == Phase.Closed && !success && policy.Trip.Trips(_counts))
                Enter(Phase.Open);
        }
    }

    private void Advance()
    {
        var age = time.GetElapsedTime(_since);
        if (_phase == Phase.Open && age >= policy.Timeout)
            Enter(Phase.HalfOpen);
        else if (_phase == Phase.Closed && policy.Interval > TimeSpan.Zero && age >= policy.Interval)
            Enter(Phase.Closed);
    }

    private void Enter(Phase phase)
    {
        _phase = phase;
        _generation++;
        _counts = default;
        _since = time.GetTimestamp();
    }
}
