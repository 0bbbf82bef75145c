using WhatsAppMesh.DevSidecar.Resiliency;
using WhatsAppMesh.DevSidecar.Tests.Running;

namespace WhatsAppMesh.DevSidecar.Tests.Resiliency;

/// <summary>Retries, timeouts and circuit breakers, on a clock that only moves when it is waited on.</summary>
public sealed class PolicyTests
{
    private readonly ManualTime _time = new();

    [Fact]
    public async Task Max_retries_3_makes_4_attempts_with_the_constant_wait_between()
    {
        var result = await Run(new RetryPolicy { Duration = TimeSpan.FromMilliseconds(300), MaxRetries = 3 });

        Assert.Equal((PolicyEnd.Failed, 4), (result.End, result.Attempts));
        Assert.Equal(Enumerable.Repeat(TimeSpan.FromMilliseconds(300), 3), _time.Waits);
    }

    [Fact]
    public async Task Without_a_policy_there_is_one_attempt()
    {
        var result = await Policy.None.RunAsync(_ => Failing(), CancellationToken.None);
        Assert.Equal((PolicyEnd.Failed, 1), (result.End, result.Attempts));
    }

    [Fact]
    public void Exponential_waits_grow_by_half_up_to_the_largest_and_are_spread_by_half()
    {
        var retry = new RetryPolicy { Exponential = true, MaxInterval = TimeSpan.FromSeconds(2) };
        Assert.Equal([500, 750, 1125, 1687.5, 2000, 2000], Enumerable.Range(1, 6).Select(i => retry.WaitBefore(i, TimeSpan.Zero, 0.5)!.Value.TotalMilliseconds));
        Assert.Equal(1000, retry.WaitBefore(5, TimeSpan.Zero, 0)!.Value.TotalMilliseconds);
        Assert.Equal(2998, retry.WaitBefore(5, TimeSpan.Zero, 0.999)!.Value.TotalMilliseconds, 0.1);
    }

    [Fact]
    public void Exponential_retries_end_after_15_minutes_whatever_the_number_allowed()
    {
        var retry = new RetryPolicy { Exponential = true, MaxRetries = -1 };
        Assert.NotNull(retry.WaitBefore(30, TimeSpan.FromMinutes(13.9), 0.5));
        Assert.Null(retry.WaitBefore(30, TimeSpan.FromMinutes(14.1), 0.5));
    }

    [Fact]
    public async Task A_code_outside_matching_ends_the_retries_and_a_failure_without_a_code_does_not()
    {
        var retry = new RetryPolicy { MaxRetries = 2, HttpStatusCodes = CodeRanges.Parse("429,500-599") };
        Assert.Equal(1, (await Run(retry, new AttemptFailure("no", HttpStatus: 400))).Attempts);
        Assert.Equal(3, (await Run(retry, new AttemptFailure("no", HttpStatus: 503))).Attempts);
        Assert.Equal(3, (await Run(retry, new AttemptFailure("retry asked"))).Attempts);
    }

    [Fact]
    public async Task An_attempt_past_its_timeout_counts_as_failed_and_is_retried()
    {
        var policy = new Policy(new RetryPolicy { Duration = TimeSpan.FromMilliseconds(1), MaxRetries = 1 }, TimeSpan.FromMilliseconds(30), null, TimeProvider.System);
        var result = await policy.RunAsync(
            async token =>
            {
                await Task.Delay(Timeout.Infinite, token);
                return new Attempt<int>(1, null);
            },
            CancellationToken.None);
        Assert.Equal((PolicyEnd.Failed, 2), (result.End, result.Attempts));
    }

    [Fact]
    public async Task An_open_breaker_ends_the_retries_and_lets_no_call_through()
    {
        var breaker = new CircuitBreaker(new BreakerPolicy { Trip = TripRule.Parse("consecutiveFailures > 1")! }, _time);
        var policy = new Policy(new RetryPolicy { Duration = TimeSpan.FromSeconds(1), MaxRetries = 9 }, null, breaker, _time);

        var first = await policy.RunAsync(_ => Failing(), CancellationToken.None);
        var second = await policy.RunAsync(_ => Failing(), CancellationToken.None);

        Assert.Equal((PolicyEnd.BreakerOpen, 2), (first.End, first.Attempts));
        Assert.Equal((PolicyEnd.BreakerOpen, 0), (second.End, second.Attempts));
    }

    [Fact]
    public void A_half_open_breaker_closes_after_successes_and_opens_after_a_failure()
    {
        var breaker = new CircuitBreaker(new BreakerPolicy { MaxRequests = 2, Timeout = TimeSpan.FromSeconds(10), Trip = TripRule.Parse("consecutiveFailures >= 1")! }, _time);
        Call(breaker, false);
        Assert.False(breaker.TryEnter(out _));

        _time.Advance(TimeSpan.FromSeconds(10));
        Call(breaker, false);
        Assert.False(breaker.TryEnter(out _));

        _time.Advance(TimeSpan.FromSeconds(10));
        Assert.True(breaker.TryEnter(out var first));
        Assert.True(breaker.TryEnter(out var second));
        Assert.False(breaker.TryEnter(out _));
        breaker.Report(first, true);
        breaker.Report(second, true);
        Assert.True(breaker.TryEnter(out _));
    }

    [Fact]
    public void An_interval_starts_the_counts_of_a_closed_breaker_anew()
    {
        var breaker = new CircuitBreaker(new BreakerPolicy { Interval = TimeSpan.FromSeconds(5), Trip = TripRule.Parse("totalFailures > 1")! }, _time);
        Call(breaker, false);
        _time.Advance(TimeSpan.FromSeconds(5));
        Call(breaker, false);
        Assert.True(breaker.TryEnter(out _));
    }

    [Theory]
    [InlineData("consecutiveFailures > 5", true)]
    [InlineData("requests >= 10 && totalFailures > 3", true)]
    [InlineData("totalFailures / requests > 0.5", false)]
    [InlineData("true", false)]
    public void Trip_rules_are_comparisons_of_counts(string rule, bool known) => Assert.Equal(known, TripRule.Parse(rule) is not null);

    [Theory]
    [InlineData("300ms", 300)]
    [InlineData("1m30s", 90_000)]
    [InlineData("1.5s", 1500)]
    [InlineData("250", 250)]
    [InlineData("5 s", null)]
    [InlineData("soon", null)]
    public void Durations_are_read_as_Go_writes_them(string text, int? milliseconds) => Assert.Equal(milliseconds, (int?)Durations.Parse(text)?.TotalMilliseconds);

    private Task<PolicyResult<int>> Run(RetryPolicy retry, AttemptFailure? failure = null) =>
        new Policy(retry, null, null, _time).RunAsync(_ => Failing(failure), CancellationToken.None);

    private static Task<Attempt<int>> Failing(AttemptFailure? failure = null) => Task.FromResult(new Attempt<int>(0, failure ?? new AttemptFailure("no")));

    private static void Call(CircuitBreaker breaker, bool success)
    {
        Assert.True(breaker.TryEnter(out var ticket));
        breaker.Report(ticket, success);
    }
}
