namespace WhatsAppMesh.Edge.Limits;

/// <summary>Bounds what requests in flight may hold: how many bodies at once, and how many bytes all of them together.</summary>
/// <remarks>Safe for concurrent use; waits for nothing, a request that finds no room is refused at once.</remarks>
public sealed class BodyBudget(int maxBodies, long maxBytes)
{
    private int _bodies;
    private long _bytes;

    /// <summary>Bodies in flight now.</summary>
    public int Bodies => Volatile.Read(ref _bodies);

    /// <summary>Bytes that they hold now.</summary>
    public long Bytes => Interlocked.Read(ref _bytes);

    /// <summary>Takes a place for one body; false when all are taken.</summary>
    public bool TryEnter()
    {
        if (Interlocked.Increment(ref _bodies) <= maxBodies)
            return true;
        Interlocked.Decrement(ref _bodies);
        return false;
    }

    /// <summary>Gives a place back.</summary>
    public void Leave() => Interlocked.Decrement(ref _bodies);

    /// <summary>Takes room for bytes; false when there is none.</summary>
    /// <param name="bytes">How many.</param>
    /// <param name="own">
    /// Bytes that the same body holds already. While it grows a body needs its old memory and its new: whoever holds memory alone always gets
    /// more, or a large body would be told to come back for ever.
    /// </param>
    public bool TryReserve(long bytes, long own = 0)
    {
        var held = Interlocked.Add(ref _bytes, bytes);
        if (held <= maxBytes || held == bytes + own)
            return true;
        Interlocked.Add(ref _bytes, -bytes);
        return false;
    }

    /// <summary>Gives room back.</summary>
    public void Release(long bytes) => Interlocked.Add(ref _bytes, -bytes);
}
