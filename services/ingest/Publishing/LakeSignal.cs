namespace WhatsAppMesh.Ingest;

/// <summary>Wakes the publisher of this process: something may be there to publish. Any number of sets before a wait count as one.</summary>
internal sealed class LakeSignal : IDisposable
{
    private readonly SemaphoreSlim _set = new(0, 1);

    /// <summary>Wakes the waiter, now or when it next waits.</summary>
    public void Set()
    {
        try
        {
            if (_set.CurrentCount == 0)
                _set.Release();
        }
        catch (SemaphoreFullException)
        {
            // Somebody else set it in between: set is set.
        }
    }

    /// <summary>Waits for a set, but not longer than <paramref name="atMost"/>.</summary>
    public Task WaitAsync(TimeSpan atMost, CancellationToken cancellationToken) => _set.WaitAsync(atMost, cancellationToken);

    /// <inheritdoc/>
    public void Dispose() => _set.Dispose();
}
