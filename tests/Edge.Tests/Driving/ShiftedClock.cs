namespace WhatsAppMesh.Edge.Tests.Driving;

/// <summary>
/// A clock that stands still until a test moves it, so that limits of time can be tested to the second on a busy machine. Intervals run as
/// ever, but for timers of <see cref="Held"/>, which go off when a test says so.
/// </summary>
public sealed class ShiftedClock : TimeProvider
{
    public static readonly TimeSpan Held = TimeSpan.FromSeconds(77);

    private readonly DateTimeOffset _start = DateTimeOffset.UtcNow;
    private readonly TaskCompletionSource<ITimer> _held = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public TimeSpan Shift { get; set; }

    public override DateTimeOffset GetUtcNow() => _start + Shift;

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        if (dueTime != Held)
            return base.CreateTimer(callback, state, dueTime, period);
        var timer = base.CreateTimer(callback, state, Timeout.InfiniteTimeSpan, period);
        _held.SetResult(timer);
        return timer;
    }

    /// <summary>Waits until somebody waits for <see cref="Held"/>.</summary>
    public Task<ITimer> HeldAsync() => _held.Task.WaitAsync(TimeSpan.FromSeconds(30), System);

    /// <summary>Lets that wait end.</summary>
    public async Task ReleaseAsync() => (await HeldAsync()).Change(TimeSpan.Zero, Timeout.InfiniteTimeSpan);
}
