using System.Security.Cryptography;
using WhatsAppMesh.Edge.Signatures;

namespace WhatsAppMesh.Edge.Sources;

/// <summary>One API key: its hash, when it counts and whose it is.</summary>
public sealed record ApiKey<TOwner>(byte[] Hash, Validity Validity, TOwner Owner);

/// <summary>All API keys of one door, or of the operator API.</summary>
public sealed class ApiKeyRing<TOwner>(IReadOnlyList<ApiKey<TOwner>> keys, bool isConfigured) where TOwner : class
{
    private readonly ApiKey<TOwner>[] _keys = [.. keys];

    /// <summary>True when the configuration names at least one owner, with a usable key or not.</summary>
    public bool IsConfigured { get; } = isConfigured;

    /// <summary>True when at least one key counts at this moment.</summary>
    public bool HasLive(DateTimeOffset now) => Array.Exists(_keys, key => key.Validity.IsLiveAt(now));

    /// <summary>Whose live key has this hash; null when nobody's. Every key is compared, in constant time, match or not.</summary>
    public TOwner? Find(ReadOnlySpan<byte> hash, DateTimeOffset now)
    {
        TOwner? owner = null;
        foreach (var key in _keys)
        {
            if (CryptographicOperations.FixedTimeEquals(key.Hash, hash) && key.Validity.IsLiveAt(now))
                owner ??= key.Owner;
        }

        return owner;
    }
}
