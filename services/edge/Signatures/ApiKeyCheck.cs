using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.Primitives;

namespace WhatsAppMesh.Edge.Signatures;

/// <summary>Finds the one API key that a request presents. Pure: headers in, the key's hash and a verdict out.</summary>
/// <remarks>
/// A client may send its key in several of the headers a door knows, as older ones do, but only the same key: two different ones are
/// <see cref="SignatureVerdict.Ambiguous"/>.
/// </remarks>
public static class ApiKeyCheck
{
    /// <summary>Bytes of a key's hash.</summary>
    public const int HashSize = SHA256.HashSizeInBytes;

    private const string Bearer = "Bearer ";

    /// <summary>Hashes a key the way configuration holds it: SHA-256 over its UTF-8 bytes.</summary>
    public static byte[] Hash(string key) => SHA256.HashData(Encoding.UTF8.GetBytes(key));

    /// <summary>Reads <c>X-API-Key</c>, <c>Authorization: Bearer</c> and, where allowed, the legacy <c>X-Authorization</c>.</summary>
    /// <param name="headers">The request's headers.</param>
    /// <param name="legacy">True where <c>X-Authorization</c> counts too (the broker's door).</param>
    /// <param name="hash">Receives the hash of the presented key when the verdict is Accepted: found, not yet known to be right.</param>
    public static SignatureVerdict Read(IHeaderDictionary headers, bool legacy, Span<byte> hash)
    {
        var found = false;
        var verdict = Take(headers["X-API-Key"], ref found, hash, bearerOnly: false);
        if (verdict == SignatureVerdict.Accepted)
            verdict = Take(headers.Authorization, ref found, hash, bearerOnly: true);
        if (verdict == SignatureVerdict.Accepted && legacy)
            verdict = Take(headers["X-Authorization"], ref found, hash, bearerOnly: false);
        if (verdict != SignatureVerdict.Accepted)
            return verdict;
        return found ? SignatureVerdict.Accepted : SignatureVerdict.Missing;
    }

    /// <summary>
    /// Takes the key that one header holds, when it holds one; a key that differs from the one in <paramref name="hash"/> is ambiguous.
    /// </summary>
    internal static SignatureVerdict Take(StringValues header, ref bool found, Span<byte> hash, bool bearerOnly)
    {
        if (header.Count > 1)
            return SignatureVerdict.Ambiguous;
        var key = (header.Count == 1 ? header[0] : null).AsSpan().Trim();
        if (key.StartsWith(Bearer, StringComparison.OrdinalIgnoreCase))
            key = key[Bearer.Length..].Trim();
        else if (bearerOnly)
            return SignatureVerdict.Accepted;
        if (key.IsEmpty)
            return SignatureVerdict.Accepted;
        var most = Encoding.UTF8.GetMaxByteCount(key.Length);
        var bytes = most <= 512 ? stackalloc byte[512] : new byte[most];
        return Take(bytes[..Encoding.UTF8.GetBytes(key, bytes)], ref found, hash);
    }

    /// <summary>Takes a key by its bytes; one that differs from the key in <paramref name="hash"/> is ambiguous.</summary>
    internal static SignatureVerdict Take(ReadOnlySpan<byte> key, ref bool found, Span<byte> hash)
    {
        Span<byte> hashed = stackalloc byte[HashSize];
        SHA256.HashData(key, hashed);
        if (found && !CryptographicOperations.FixedTimeEquals(hashed, hash))
            return SignatureVerdict.Ambiguous;
        hashed.CopyTo(hash);
        found = true;
        return SignatureVerdict.Accepted;
    }
}
