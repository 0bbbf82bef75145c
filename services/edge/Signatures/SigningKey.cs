using System.Security.Cryptography;

namespace WhatsAppMesh.Edge.Signatures;

/// <summary>
/// One HMAC key of a source: the bytes of a secret, the hash it is used with and the time in which it counts.
/// </summary>
/// <remarks>Safe for concurrent use. The key's bytes never leave this class.</remarks>
public sealed class SigningKey
{
    private readonly byte[] _key;
    private readonly HashAlgorithmName _algorithm;

    // Setting up a keyed hash costs more than hashing a small body: the last one used is kept, keyed and ready, for the next request.
    private IncrementalHash? _spare;

    /// <summary>Creates a key.</summary>
    /// <param name="id">Name of the secret in the configuration; safe to log.</param>
    /// <param name="key">The secret's bytes.</param>
    /// <param name="algorithm">SHA-256, or SHA-512 for WAHA.</param>
    /// <param name="notBefore">From when on it counts; always when null.</param>
    /// <param name="expires">From when on it no longer counts; never when null.</param>
    public SigningKey(string id, byte[] key, HashAlgorithmName algorithm, DateTimeOffset? notBefore = null, DateTimeOffset? expires = null)
    {
        Id = id;
        _key = key;
        _algorithm = algorithm;
        Validity = new Validity(notBefore, expires);
    }

    /// <summary>Name of the secret in the configuration.</summary>
    public string Id { get; }

    /// <summary>When the key counts.</summary>
    public Validity Validity { get; }

    /// <summary>Writes the HMAC over <paramref name="prefix"/> followed by <paramref name="body"/>, without joining the two.</summary>
    /// <param name="prefix">What is signed in front of the body; may be empty.</param>
    /// <param name="body">The raw body.</param>
    /// <param name="digest">Receives the HMAC; exactly as long as the hash.</param>
    public void Sign(ReadOnlySpan<byte> prefix, ReadOnlySpan<byte> body, Span<byte> digest)
    {
        var hash = Interlocked.Exchange(ref _spare, null) ?? IncrementalHash.CreateHMAC(_algorithm, _key);
        hash.AppendData(prefix);
        hash.AppendData(body);
        hash.GetHashAndReset(digest);
        Interlocked.Exchange(ref _spare, hash)?.Dispose();
    }
}
