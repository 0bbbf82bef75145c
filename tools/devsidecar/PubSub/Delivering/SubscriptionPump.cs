using System.Collections.Concurrent;
using WhatsAppMesh.DevSidecar.PubSub.Log;

namespace WhatsAppMesh.DevSidecar.PubSub.Delivering;

/// <summary>
/// Keeps one subscription going: leases messages as they come and starts their delivery. Many leases are in flight at a time, bounded by
/// the messages in them that are still open, so a few that are retried for long do not stop the topic.
/// </summary>
internal sealed partial class SubscriptionPump(SubscriptionScope scope, GroupCursor cursor, IDelivery delivery, IDeliveryFaults faults)
{
    private const int MostInFlight = 2000;
    private const int MostPerLease = 1000;

    /// <summary>Nothing is leased while there is less room than this: leases of a few messages each would cost more than they bring.</summary>
    private const int LeastRoom = 500;

    /// <summary>Size a lease aims at, in bytes of envelopes.</summary>
    private const long LeaseBytes = 4 * 1024 * 1024;

    /// <summary>How often messages are looked for without a notice, and leases that others left behind.</summary>
    private static readonly TimeSpan LookInterval = TimeSpan.FromSeconds(1);

    private readonly WakeUp _wakeUp = new();
    private readonly ConcurrentDictionary<Lease, byte> _leases = new();
    private int _inFlight;
    private int _running;
    private long _newest;
    private long _next = long.MaxValue;
    private int _lookForReleased = 1;
    private double _averageBytes = 16 * 1024;

    /// <summary>Whether another subscription of this sidecar to the same topic has the first claim now; null = there is none.</summary>
    public Func<bool>? StandsBy { get; init; }

    /// <summary>Deliveries under way.</summary>
    public int Running => Volatile.Read(ref _running);

    /// <summary>The leases that have been started, as far as they are not settled.</summary>
    public IReadOnlyCollection<Lease> Leases => [.. _leases.Keys];

    /// <summary>Tells of the newest id of the topic, or that another sidecar let go of messages.</summary>
    public void Notice(long newest)
    {
        if (newest == TopicNotices.Released)
            Volatile.Write(ref _lookForReleased, 1);
        else
            Volatile.Write(ref _newest, newest);
        _wakeUp.Set();
    }

    /// <summary>Runs until told to stop.</summary>
    public async Task RunAsync(StopTokens stop)
    {
        var started = false;
        var look = true;
        while (!stop.NoMoreAttempts.IsCancellationRequested)
        {
            try
            {
                if (!started)
                    await cursor.CreateAsync(stop.NoMoreAttempts);
                started = true;
                look = await StepAsync(look, stop);
            }
            catch (Exception exception) when (exception is not OperationCanceledException)
            {
                Log.LookFailed(scope.Logger, exception, scope.Subscription.Topic);
                await Task.Delay(LookInterval, scope.Time, stop.NoMoreAttempts);
            }
        }
    }

    /// <summary>One lease, or one wait.</summary>
    /// <returns>Whether to look for messages next, without waiting for a notice.</returns>
    private async Task<bool> StepAsync(bool look, StopTokens stop)
    {
        if (StandsBy?.Invoke() == true)
        {
            await _wakeUp.WaitAsync(LookInterval, stop.NoMoreAttempts);
            Volatile.Write(ref _lookForReleased, 1);
            return true;
        }

        if (Volatile.Read(ref _inFlight) > MostInFlight - LeastRoom || (!look && Available == 0 && _lookForReleased == 0))
        {
            var woken = await _wakeUp.WaitAsync(LookInterval, stop.NoMoreAttempts);
            if (woken)
                return false;

            Volatile.Write(ref _lookForReleased, 1);
            return true;
        }

        if (Interlocked.Exchange(ref _lookForReleased, 0) == 1 && await cursor.TakeOverAsync(stop.NoMoreAttempts) is { } left)
        {
            Log.TakenOver(scope.Logger, left.Messages.Count, scope.Subscription.Topic);
            Volatile.Write(ref _lookForReleased, 1);
            Start(left, stop);
            return look;
        }

        if (!look && Available == 0)
            return false;

        if (!look)
            await GatherAsync(stop.NoMoreAttempts);
        var newest = Volatile.Read(ref _newest);
        var most = LeaseSize();
        if (await cursor.ClaimAsync(most, stop.NoMoreAttempts) is not { } lease)
        {
            _next = newest + 1;
            return false;
        }

        _next = lease.Messages[^1].Id + 1;
        Start(lease, stop);
        // A full lease suggests that there is more, whether or not a notice told of it.
        return lease.Messages.Count == most;
    }

    /// <summary>Messages known to wait; 0 also when nothing is known yet.</summary>
    private long Available => Math.Max(0, Volatile.Read(ref _newest) - _next + 1);

    private int LeaseSize() => (int)Math.Clamp(
        Math.Min(LeaseBytes / Math.Max(_averageBytes, 1), MostInFlight - Volatile.Read(ref _inFlight)), 1, MostPerLease);

    /// <summary>A bulk subscription waits a moment for its request to fill up.</summary>
    private async Task GatherAsync(CancellationToken cancellationToken)
    {
        if (scope.Subscription.Bulk is not { } bulk)
            return;

        var start = scope.Time.GetTimestamp();
        while (Available < bulk.MaxMessages && bulk.MaxAwait - scope.Time.GetElapsedTime(start) is { Ticks: > 0 } rest)
        {
            if (!await _wakeUp.WaitAsync(rest, cancellationToken))
                return;
        }
    }

    private void Start(Lease lease, StopTokens stop)
    {
        _averageBytes = (_averageBytes + lease.Messages.Average(message => (double)message.Message.Bytes.Length)) / 2;
        Interlocked.Add(ref _inFlight, lease.Messages.Count);
        _leases.TryAdd(lease, 0);
        var faulty = faults.Arrange(lease.Messages);
        foreach (var lost in faulty.Lost)
            Settle(lease, lost);
        foreach (var messages in faulty.Delivered.Count > 0 ? delivery.Split(faulty.Delivered) : [])
        {
            Interlocked.Increment(ref _running);
            _ = DeliverAsync(lease, messages, faulty.Delay, stop);
        }
    }

    private async Task DeliverAsync(Lease lease, IReadOnlyList<LeasedMessage> messages, TimeSpan delay, StopTokens stop)
    {
        try
        {
            await Task.Yield();
            if (delay > TimeSpan.Zero)
                await Task.Delay(delay, scope.Time, stop.NoMoreAttempts);
            await delivery.DeliverAsync(new Batch(messages, message => Settle(lease, message)), stop);
        }
        catch (OperationCanceledException) when (stop.NoMoreAttempts.IsCancellationRequested)
        {
            Log.LeftOpen(scope.Logger, scope.Subscription.Topic);
        }
        catch (Exception exception)
        {
            // The lease is renewed no further than this process lives; until then its messages would wait. Better to start anew.
            Log.DeliveryBroke(scope.Logger, exception, scope.Subscription.Topic);
            await Task.Delay(LookInterval, scope.Time, CancellationToken.None);
            if (messages.Where(lease.IsOpen).ToList() is { Count: > 0 } open)
            {
                Interlocked.Increment(ref _running);
                _ = DeliverAsync(lease, open, TimeSpan.Zero, stop);
            }
        }
        finally
        {
            Interlocked.Decrement(ref _running);
        }
    }

    private void Settle(Lease lease, LeasedMessage message)
    {
        if (!lease.IsOpen(message))
            return;

        scope.Book.Settle(lease, message);
        if (lease.IsSettled)
            _leases.TryRemove(lease, out _);
        if (Interlocked.Decrement(ref _inFlight) == MostInFlight - LeastRoom)
            _wakeUp.Set();
    }

    private static partial class Log
    {
        [LoggerMessage(9350, LogLevel.Warning, "Messages of {Topic} cannot be looked for now")]
        public static partial void LookFailed(ILogger logger, Exception exception, string topic);

        [LoggerMessage(9351, LogLevel.Information, "Took over {Count} messages of {Topic} from a sidecar that stopped")]
        public static partial void TakenOver(ILogger logger, int count, string topic);

        [LoggerMessage(9352, LogLevel.Debug, "A delivery of {Topic} is left to the next sidecar")]
        public static partial void LeftOpen(ILogger logger, string topic);

        [LoggerMessage(9353, LogLevel.Error, "A delivery of {Topic} broke; it is started again")]
        public static partial void DeliveryBroke(ILogger logger, Exception exception, string topic);
    }
}
