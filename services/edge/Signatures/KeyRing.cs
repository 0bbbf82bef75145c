using System.Security.Cryptography;

namespace WhatsAppMesh.Edge.Signatures;

/// <summary>All keys that a source has for one signature scheme.</summary>
/// <remarks>Safe for concurrent use.</remarks>
public sealed class KeyRing(IReadOnlyList<SigningKey> keys)
{
    /// <summary>A ring without a key: nothing matches.</summary>
    public static KeyRing Empty { get; } = new([]);

    private readonly SigningKey[] _keys = [.. keys];

    /// <summary>True when at least one key counts at this moment.</summary>
    public bool HasLive(DateTimeOffset now)
    {
        foreach (var key in _keys)
        {
            if (key.Validity.IsLiveAt(now))
                return true;
        }

        return false;
    }

    /// <summary>
    /// True when some live key signs <paramref name="prefix"/> + <paramref name="body"/> with one of the presented signatures. Every live
    /// key is tried against every signature and each comparison takes constant time, so the time taken tells nothing about which one matched.
    /// </summary>
    /// <param name="now">Decides which keys are live.</param>
    /// <param name="prefix">What is signed in front of the body; may be empty.</param>
    /// <param name="body">The raw body.</param>
    /// <param name="presented">The decoded signatures, one after the other.</param>
    /// <param name="size">Bytes of one signature: 32 for SHA-256, 64 for SHA-512.</param>
    public bool Matches(DateTimeOffset now, ReadOnlySpan<byte> prefix, ReadOnlySpan<byte> body, ReadOnlySpan<byte> presented, int size)
    {
        Span<byte> buffer = stackalloc byte[SHA512.HashSizeInBytes];
        var digest = buffer[..size];
        var matched = false;
        foreach (var key in _keys)
        {
            if (!key.Validity.IsLiveAt(now))
                continue;
            key.Sign(prefix, body, digest);
            for (var start = 0; start < presented.Length; start += size)
                matched |= CryptographicOperations.FixedTimeEquals(digest, presented.Slice(start, size));
        }

        return matched;
    }
}
