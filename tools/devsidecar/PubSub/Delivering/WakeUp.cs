namespace WhatsAppMesh.DevSidecar.PubSub.Delivering;

/// <summary>Wakes one waiter; wake-ups that come while nobody waits count as one.</summary>
internal sealed class WakeUp
{
    private readonly SemaphoreSlim _signal = new(0, 1);

    public void Set()
    {
        lock (_signal)
        {
            if (_signal.CurrentCount == 0)
                _signal.Release();
        }
    }

    /// <summary>Waits for a wake-up.</summary>
    /// <returns>False when the time was up first.</returns>
    public Task<bool> WaitAsync(TimeSpan longest, CancellationToken cancellationToken) => _signal.WaitAsync(longest, cancellationToken);
}
