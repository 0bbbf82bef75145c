namespace WhatsAppMesh.Deliveries;

/// <summary>Remembers where the heads of the logs stood, to tell what has had its time to arrive.</summary>
internal sealed class HeadHistory(TimeSpan grace)
{
    private readonly Dictionary<int, Queue<(DateTimeOffset At, long Newest)>> _seen = [];
    private readonly Dictionary<int, long> _settled = [];

    /// <summary>Notes a head seen now and returns the newest position of a head seen at least the grace ago; 0 when there is none yet.</summary>
    public long Observe(int log, long newest, DateTimeOffset now)
    {
        if (!_seen.TryGetValue(log, out var seen))
            _seen[log] = seen = new();
        seen.Enqueue((now, newest));
        while (seen.TryPeek(out var head) && now - head.At >= grace)
        {
            _settled[log] = head.Newest;
            seen.Dequeue();
        }

        return _settled.GetValueOrDefault(log);
    }
}
