using System.Net;
using System.Net.Sockets;

namespace WhatsAppMesh.Edge.Limits;

/// <summary>Limits what one client address may do before any work is done for it: requests per second, and bodies at once.</summary>
/// <remarks>
/// Memory is fixed, however many addresses call: each address falls into one of a fixed number of buckets, by a hash with a seed of its own in
/// each process, so that nobody can choose whom to share a bucket with. Two addresses in one bucket share a limit; the limit is high.
/// IPv6 counts by its first 64 bits, which one subscriber has to himself.
/// </remarks>
public sealed class AddressGates
{
    /// <summary>Number of buckets, 768 KiB in all.</summary>
    public const int Buckets = 64 * 1024;

    private const int Ipv6NetworkBytes = 8;

    private readonly long[] _fullAt = new long[Buckets];
    private readonly int[] _bodies = new int[Buckets];
    private readonly Rate _rate;
    private readonly int _maxBodies;
    private readonly TimeProvider _clock;

    /// <summary>Creates the gates, all open.</summary>
    public AddressGates(Rate rate, int maxBodies, TimeProvider clock)
    {
        _rate = rate;
        _maxBodies = maxBodies;
        _clock = clock;
    }

    /// <summary>Zero when let through, else how long until a request would be.</summary>
    public TimeSpan Take(int bucket) => RateGate.Take(ref _fullAt[bucket], _rate, _clock);

    /// <summary>Takes a place for one body; false when the address has as many under way as it may.</summary>
    public bool TryEnter(int bucket)
    {
        if (Interlocked.Increment(ref _bodies[bucket]) <= _maxBodies)
            return true;
        Interlocked.Decrement(ref _bodies[bucket]);
        return false;
    }

    /// <summary>Gives a place back.</summary>
    public void Leave(int bucket) => Interlocked.Decrement(ref _bodies[bucket]);

    /// <summary>The bucket of an address; requests whose address is unknown share one.</summary>
    public static int BucketOf(IPAddress? address)
    {
        if (address is null)
            return 0;
        Span<byte> bytes = stackalloc byte[16];
        if (address.IsIPv4MappedToIPv6)
            address = address.MapToIPv4();
        address.TryWriteBytes(bytes, out var length);
        var hash = new HashCode();
        hash.AddBytes(bytes[..(address.AddressFamily == AddressFamily.InterNetworkV6 ? Ipv6NetworkBytes : length)]);
        return (int)((uint)hash.ToHashCode() % Buckets);
    }
}
