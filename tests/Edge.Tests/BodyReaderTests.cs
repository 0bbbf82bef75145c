using System.IO.Pipelines;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using WhatsAppMesh.Edge.Limits;

namespace WhatsAppMesh.Edge.Tests;

/// <summary>How long a body may take, on a clock that a test moves.</summary>
public sealed class BodyReaderTests
{
    private const int Piece = 4 * 1024 * 1024;

    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(30);

    [Fact]
    public async Task Each_4_mebibytes_that_arrive_give_a_body_as_much_time_again()
    {
        var (clock, pipe) = (new MovedClock(), new Pipe(new PipeOptions(pauseWriterThreshold: 0)));
        var reading = Read(pipe, clock);
        for (var piece = 0; piece < 5; piece++)
        {
            await clock.AdvanceAsync(Timeout - TimeSpan.FromSeconds(1));
            Assert.False(reading.IsCompleted);
            await pipe.Writer.WriteAsync(new byte[Piece]);
            await clock.ArmedAsync(piece + 2);
        }

        await pipe.Writer.CompleteAsync();
        Assert.Equal(BodyVerdict.Complete, await reading);
    }

    [Fact]
    public async Task A_byte_now_and_then_gives_it_no_more_time()
    {
        var (clock, pipe) = (new MovedClock(), new Pipe());
        var reading = Read(pipe, clock);
        await pipe.Writer.WriteAsync(new byte[100]);
        await clock.AdvanceAsync(Timeout - TimeSpan.FromSeconds(1));
        await pipe.Writer.WriteAsync(new byte[100]);
        await clock.AdvanceAsync(TimeSpan.FromSeconds(1));
        Assert.Equal(BodyVerdict.TooSlow, await reading);
    }

    private static async Task<BodyVerdict> Read(Pipe pipe, TimeProvider clock)
    {
        var context = new DefaultHttpContext();
        context.Features.Set<IRequestBodyPipeFeature>(new PipeFeature(pipe.Reader));
        using var body = new PooledBody(new BodyBudget(1, 200_000_000), 100_000_000);
        return await BodyReader.ReadAsync(context.Request, body, 100_000_000, Timeout, clock);
    }

    private sealed record PipeFeature(PipeReader Reader) : IRequestBodyPipeFeature;

    /// <summary>A clock that stands still until a test moves it. It has one timer: the deadline of the body.</summary>
    private sealed class MovedClock : TimeProvider
    {
        private readonly Lock _lock = new();
        private TimeSpan _now;
        private (TimerCallback Callback, object? State, TimeSpan Due)? _timer;
        private int _armed;

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            Arm(callback, state, dueTime);
            return new Timer(this, callback, state);
        }

        /// <summary>Waits until the deadline has been set this often.</summary>
        public Task ArmedAsync(int times) =>
            Driving.Answers.EventuallyAsync(() => Task.FromResult(Volatile.Read(ref _armed) >= times), "the deadline is set");

        public async Task AdvanceAsync(TimeSpan by)
        {
            await ArmedAsync(1);
            (TimerCallback Callback, object? State, TimeSpan Due)? due;
            lock (_lock)
            {
                _now += by;
                due = _timer is { } timer && timer.Due <= _now ? timer : null;
            }

            due?.Callback(due.Value.State);
        }

        private void Arm(TimerCallback callback, object? state, TimeSpan dueTime)
        {
            lock (_lock)
                _timer = dueTime < TimeSpan.Zero ? null : (callback, state, _now + dueTime);
            Interlocked.Increment(ref _armed);
        }

        private sealed class Timer(MovedClock clock, TimerCallback callback, object? state) : ITimer
        {
            public bool Change(TimeSpan dueTime, TimeSpan period)
            {
                clock.Arm(callback, state, dueTime);
                return true;
            }

            public void Dispose()
            {
            }

            public ValueTask DisposeAsync() => ValueTask.CompletedTask;
        }
    }
}
