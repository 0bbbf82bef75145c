namespace WhatsAppMesh.Dispatch.Sending;

/// <summary>What the answers tell about the sidecar's circuit breaker. While it is open no job is taken: it would only be put off.</summary>
internal sealed class BrokerCircuit(TimeProvider time)
{
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(2);

    private long _openSince;
    private volatile bool _open;

    /// <summary>True as of the newest answer.</summary>
    public bool IsOpen => _open;

    /// <summary>True while jobs should wait; then one may try.</summary>
    public bool ShouldWait => _open && time.GetElapsedTime(Volatile.Read(ref _openSince)) < Pause;

    /// <summary>Notes an answer.</summary>
    /// <param name="open">It was the breaker's own.</param>
    public void Saw(bool open)
    {
        if (open)
            Volatile.Write(ref _openSince, time.GetTimestamp());
        _open = open;
    }
}
