using System.Buffers.Binary;
using System.Numerics;

namespace System.IO.Hashing;

/// <summary>xxHash64 (https://github.com/Cyan4973/xxHash, specification of XXH64). Hashes as bytes are big-endian.</summary>
public sealed class XxHash64 : NonCryptographicHashAlgorithm
{
    private const int HashLength = 8;
    private const int StripeLength = 32;
    private const ulong Prime1 = 11400714785074694791;
    private const ulong Prime2 = 14029467366897019727;
    private const ulong Prime3 = 1609587929392839161;
    private const ulong Prime4 = 9650029242287828579;
    private const ulong Prime5 = 2870177450012600261;

    private readonly ulong _seed;
    private readonly byte[] _rest = new byte[StripeLength];
    private Lanes _lanes;
    private ulong _length;

    /// <summary>Creates a hash with seed 0.</summary>
    public XxHash64() : this(0)
    {
    }

    /// <summary>Creates a hash with a seed.</summary>
    public XxHash64(long seed) : base(HashLength)
    {
        _seed = unchecked((ulong)seed);
        _lanes = new Lanes(_seed);
    }

    private int RestLength => (int)(_length % StripeLength);

    /// <summary>The hash of <paramref name="source"/> with seed 0.</summary>
    public static byte[] Hash(byte[] source) => Hash(source, 0);

    /// <summary>The hash of <paramref name="source"/>.</summary>
    /// <exception cref="ArgumentNullException"><paramref name="source"/> is null.</exception>
    public static byte[] Hash(byte[] source, long seed)
    {
        ArgumentNullException.ThrowIfNull(source);
        return Hash(new ReadOnlySpan<byte>(source), seed);
    }

    /// <summary>The hash of <paramref name="source"/>.</summary>
    public static byte[] Hash(ReadOnlySpan<byte> source, long seed = 0)
    {
        var hash = new byte[HashLength];
        Hash(source, hash, seed);
        return hash;
    }

    /// <summary>Writes the hash of <paramref name="source"/> and returns its length, 8.</summary>
    /// <exception cref="ArgumentException">The destination is too short.</exception>
    public static int Hash(ReadOnlySpan<byte> source, Span<byte> destination, long seed = 0) =>
        TryHash(source, destination, out var written, seed)
            ? written
            : throw new ArgumentException("The destination is shorter than the hash.", nameof(destination));

    /// <summary>Writes the hash of <paramref name="source"/>; false when the destination is too short.</summary>
    public static bool TryHash(ReadOnlySpan<byte> source, Span<byte> destination, out int bytesWritten, long seed = 0)
    {
        var fits = BinaryPrimitives.TryWriteUInt64BigEndian(destination, HashToUInt64(source, seed));
        bytesWritten = fits ? HashLength : 0;
        return fits;
    }

    /// <summary>The hash of <paramref name="source"/> as a number.</summary>
    public static ulong HashToUInt64(ReadOnlySpan<byte> source, long seed = 0)
    {
        var start = unchecked((ulong)seed);
        var lanes = new Lanes(start);
        var length = (ulong)source.Length;
        for (; source.Length >= StripeLength; source = source[StripeLength..])
            lanes.Add(source);
        return Finish(lanes, start, length, source);
    }

    /// <inheritdoc/>
    public override void Append(ReadOnlySpan<byte> source)
    {
        var pending = RestLength;
        _length += (ulong)source.Length;
        if (pending > 0)
        {
            var taken = Math.Min(StripeLength - pending, source.Length);
            source[..taken].CopyTo(_rest.AsSpan(pending));
            source = source[taken..];
            if (pending + taken < StripeLength)
                return;
            _lanes.Add(_rest);
        }
        for (; source.Length >= StripeLength; source = source[StripeLength..])
            _lanes.Add(source);
        source.CopyTo(_rest);
    }

    /// <inheritdoc/>
    public override void Reset()
    {
        _lanes = new Lanes(_seed);
        _length = 0;
    }

    /// <summary>The hash of what was added so far, as a number.</summary>
    public ulong GetCurrentHashAsUInt64() => Finish(_lanes, _seed, _length, _rest.AsSpan(0, RestLength));

    /// <inheritdoc/>
    protected override void GetCurrentHashCore(Span<byte> destination) =>
        BinaryPrimitives.WriteUInt64BigEndian(destination, GetCurrentHashAsUInt64());

    private static ulong Finish(in Lanes lanes, ulong seed, ulong length, ReadOnlySpan<byte> rest)
    {
        unchecked
        {
            var hash = (length >= StripeLength ? lanes.Merge() : seed + Prime5) + length;
            for (; rest.Length >= 8; rest = rest[8..])
            {
                hash ^= Round(0, BinaryPrimitives.ReadUInt64LittleEndian(rest));
                hash = BitOperations.RotateLeft(hash, 27) * Prime1 + Prime4;
            }
            if (rest.Length >= 4)
            {
                hash ^= BinaryPrimitives.ReadUInt32LittleEndian(rest) * Prime1;
                hash = BitOperations.RotateLeft(hash, 23) * Prime2 + Prime3;
                rest = rest[4..];
            }
            foreach (var last in rest)
                hash = BitOperations.RotateLeft(hash ^ last * Prime5, 11) * Prime1;
            hash = (hash ^ hash >> 33) * Prime2;
            hash = (hash ^ hash >> 29) * Prime3;
            return hash ^ hash >> 32;
        }
    }

    private static ulong Round(ulong lane, ulong input) => unchecked(BitOperations.RotateLeft(lane + input * Prime2, 31) * Prime1);

    /// <summary>The four accumulators that whole stripes of 32 bytes go into.</summary>
    private struct Lanes
    {
        private ulong _first;
        private ulong _second;
        private ulong _third;
        private ulong _fourth;

        public Lanes(ulong seed)
        {
            unchecked
            {
                _first = seed + Prime1 + Prime2;
                _second = seed + Prime2;
                _third = seed;
                _fourth = seed - Prime1;
            }
        }

        public void Add(ReadOnlySpan<byte> stripe)
        {
            _first = Round(_first, BinaryPrimitives.ReadUInt64LittleEndian(stripe));
            _second = Round(_second, BinaryPrimitives.ReadUInt64LittleEndian(stripe[8..]));
            _third = Round(_third, BinaryPrimitives.ReadUInt64LittleEndian(stripe[16..]));
            _fourth = Round(_fourth, BinaryPrimitives.ReadUInt64LittleEndian(stripe[24..]));
        }

        public readonly ulong Merge()
        {
            unchecked
            {
                var hash = BitOperations.RotateLeft(_first, 1) + BitOperations.RotateLeft(_second, 7)
                    + BitOperations.RotateLeft(_third, 12) + BitOperations.RotateLeft(_fourth, 18);
                hash = (hash ^ Round(0, _first)) * Prime1 + Prime4;
                hash = (hash ^ Round(0, _second)) * Prime1 + Prime4;
                hash = (hash ^ Round(0, _third)) * Prime1 + Prime4;
                return (hash ^ Round(0, _fourth)) * Prime1 + Prime4;
            }
        }
    }
}
