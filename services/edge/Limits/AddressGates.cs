using System.Net;
using System.Net.Sockets;

namespace WhatsAppMesh.Edge.Limits;

/// <summary>Limits requests per client address before any work is done for them.</summary>
/// <remarks>
/// Memory is fixed, however many addresses call: each address falls into one of a fixed number of buckets, by a hash with a seed of its own in
/// each process, so that nobody can choose whom to share a bucket with. Two addresses in one bucket share a limit; the limit is high.
/// IPv6 counts by its first 64 bits, which one subscriber has to himself.
/// </remarks>
public sealed class AddressGates
{
    /// <summary>Number of buckets, 512 KiB in all.</summary>
    public const int Buckets = 64 * 1024;

    private const int Ipv6NetworkBytes = 8;

    private readonly long[] _fullAt = new long[Buckets];
    private readonly Rate _rate;
    private readonly TimeProvider _clock;

    /// <summary>Creates the gates, all open.</summary>
    public AddressGates(Rate rate, TimeProvider clock)
    {
        _rate = rate;
        _clock = clock;
    }

    /// <summary>Zero when let through, else how long until a request from this address would be.</summary>
    /// <param name="address">The client; requests whose address is unknown share one bucket.</param>
    public TimeSpan Take(IPAddress? address) => RateGate.Take(ref _fullAt[Bucket(address)], _rate, _clock);

    private static int Bucket(IPAddress? address)
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
