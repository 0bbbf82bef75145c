namespace WhatsAppMesh.DevSidecar.Resiliency;

/// <summary>Why an attempt failed.</summary>
/// <param name="Reason">For logs; holds no event content.</param>
/// <param name="HttpStatus">HTTP status that <c>matching</c> looks at, if the failure has one.</param>
/// <param name="GrpcStatus">gRPC status that <c>matching</c> looks at, if the failure has one.</param>
/// <param name="Exception">The exception behind it, if any.</param>
public sealed record AttemptFailure(string Reason, int? HttpStatus = null, int? GrpcStatus = null, Exception? Exception = null);

/// <summary>How one attempt ended: a value, and a failure when the value is none to be content with.</summary>
/// <typeparam name="T">Type of the value.</typeparam>
/// <param name="Value">The answer; may be set along with a failure, as an HTTP 500 has an answer too.</param>
/// <param name="Failure">Null = success.</param>
public readonly record struct Attempt<T>(T Value, AttemptFailure? Failure);

/// <summary>How the whole operation ended.</summary>
public enum PolicyEnd
{
    /// <summary>An attempt succeeded.</summary>
    Succeeded,

    /// <summary>The last attempt failed and no retry was left or allowed.</summary>
    Failed,

    /// <summary>The circuit breaker let no call through.</summary>
    BreakerOpen,
}

/// <summary>What came of an operation under a policy.</summary>
/// <typeparam name="T">Type of the value.</typeparam>
/// <param name="End">How it ended.</param>
/// <param name="Value">Value of the last attempt; default when none was made or the last one threw.</param>
/// <param name="Failure">Why it failed; null on success.</param>
/// <param name="Attempts">Attempts made.</param>
public readonly record struct PolicyResult<T>(PolicyEnd End, T? Value, AttemptFailure? Failure, int Attempts);

/// <summary>Runs an operation as a resiliency policy says: retry(breaker(timeout(call))).</summary>
/// <param name="retry">Retries.</param>
/// <param name="timeout">Longest time of one attempt; null = no limit.</param>
/// <param name="breaker">Circuit breaker; null = none.</param>
/// <param name="time">Clock of waits and timeouts.</param>
public sealed class Policy(RetryPolicy retry, TimeSpan? timeout, CircuitBreaker? breaker, TimeProvider time)
{
    /// <summary>One attempt, no timeout, no breaker.</summary>
    public static Policy None { get; } = new(RetryPolicy.None, null, null, TimeProvider.System);

    /// <summary>A failed attempt may be made again, so what it needs must be kept.</summary>
    public bool HasRetries => retry.MaxRetries != 0;

    /// <summary>Attempts are limited in time.</summary>
    public bool HasTimeout => timeout is not null;

    /// <summary>Runs the operation until it succeeds or the policy is through with it.</summary>
    /// <param name="attempt">One attempt; an exception counts as a failure without a code.</param>
    /// <param name="cancellationToken">Ends the whole operation, waits included.</param>
    /// <param name="noMoreAttempts">Ends it at the next wait; an attempt under way may finish.</param>
    /// <exception cref="OperationCanceledException">One of the tokens was cancelled.</exception>
    public async Task<PolicyResult<T>> RunAsync<T>(
        Func<CancellationToken, Task<Attempt<T>>> attempt, CancellationToken cancellationToken, CancellationToken noMoreAttempts = default)
    {
        ArgumentNullException.ThrowIfNull(attempt);
        var start = time.GetTimestamp();
        for (var attempts = 1; ; attempts++)
        {
            var ticket = 0L;
            if (breaker is not null && !breaker.TryEnter(out ticket))
                return new(PolicyEnd.BreakerOpen, default, new AttemptFailure("the circuit breaker is open"), attempts - 1);

            var result = await RunOnceAsync(attempt, cancellationToken);
            breaker?.Report(ticket, result.Failure is null);
            if (result.Failure is not { } failure)
                return new(PolicyEnd.Succeeded, result.Value, null, attempts);

            if (!retry.Allows(failure) || retry.WaitBefore(attempts, time.GetElapsedTime(start), Random.Shared.NextDouble()) is not { } wait)
                return new(PolicyEnd.Failed, result.Value, failure, attempts);

            await WaitAsync(wait, cancellationToken, noMoreAttempts);
        }
    }

    private async Task WaitAsync(TimeSpan wait, CancellationToken cancellationToken, CancellationToken noMoreAttempts)
    {
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, noMoreAttempts);
        await Task.Delay(wait, time, either.Token);
    }

    private async Task<Attempt<T>> RunOnceAsync<T>(Func<CancellationToken, Task<Attempt<T>>> attempt, CancellationToken cancellationToken)
    {
        using var limit = timeout is { } longest ? new CancellationTokenSource(longest, time) : null;
        using var linked = limit is null ? null : CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, limit.Token);
        try
        {
            return await attempt(linked?.Token ?? cancellationToken);
        }
        catch (Exception) when (cancellationToken.IsCancellationRequested)
        {
            throw new OperationCanceledException(cancellationToken);
        }
        catch (Exception exception) when (limit?.IsCancellationRequested == true)
        {
            return new(default!, new AttemptFailure($"no answer within {timeout}", Exception: exception));
        }
        catch (Exception exception)
        {
            return new(default!, new AttemptFailure(exception.Message, Exception: exception));
        }
    }
}
