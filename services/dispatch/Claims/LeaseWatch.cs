using System.Collections.Concurrent;

namespace WhatsAppMesh.Dispatch.Claims;

/// <summary>
/// Tells when another's claim has lapsed: when this process has itself seen the same ETag for a whole lease, by its own monotonic clock.
/// Clocks of other machines, and what they wrote into the claim, decide nothing.
/// </summary>
/// <param name="time">The clock.</param>
public sealed class LeaseWatch(TimeProvider time)
{
    private const int Crowd = 10_000;

    private readonly ConcurrentDictionary<string, (string ETag, long Since, TimeSpan Lease)> _seen = new();

    /// <summary>Notes that a claim has this ETag now.</summary>
    /// <returns>True when it has had it for the whole lease.</returns>
    public bool HasLapsed(string key, string etag, TimeSpan lease)
    {
        var now = time.GetTimestamp();
        var seen = _seen.AddOrUpdate(
            key,
            static (_, arg) => (arg.etag, arg.now, arg.lease),
            static (_, before, arg) => before.ETag == arg.etag ? before : (arg.etag, arg.now, arg.lease),
            (etag, now, lease));
        if (_seen.Count > Crowd)
            ForgetOld();
        return time.GetElapsedTime(seen.Since, now) >= lease;
    }

    /// <summary>The claim is no longer of interest.</summary>
    public void Forget(string key) => _seen.TryRemove(key, out _);

    // Claims that settled while nobody looked: whoever still waits for one begins to watch anew, which only makes it wait longer.
    private void ForgetOld()
    {
        foreach (var (key, seen) in _seen)
        {
            if (time.GetElapsedTime(seen.Since) > 10 * seen.Lease)
                _seen.TryRemove(key, out _);
        }
    }
}
