using System.Globalization;

namespace WhatsAppMesh.DevSidecar.State;

/// <summary>One key of a state request, checked for shape and not yet for sense: a store may still refuse its options, ETag or TTL.</summary>
/// <param name="Key">The key as the application wrote it, without the prefix of the store.</param>
/// <param name="Value">The value's bytes; empty when the item is to be deleted.</param>
/// <param name="ETag">The version that the caller has read; null or empty when it does not care.</param>
/// <param name="Concurrency">"first-write", "last-write", null, or something that the store refuses.</param>
/// <param name="Consistency">"eventual", "strong", null, or something that the store refuses.</param>
/// <param name="Metadata">The item's metadata; <c>ttlInSeconds</c> is the one that counts here.</param>
internal sealed record StateItem(
    string Key, byte[] Value, string? ETag, string? Concurrency, string? Consistency, IReadOnlyDictionary<string, string> Metadata)
{
    public static readonly IReadOnlyDictionary<string, string> NoMetadata = new Dictionary<string, string>();

    /// <summary>An ETag that is there but empty counts as none.</summary>
    public bool HasETag => !string.IsNullOrEmpty(ETag);

    public bool IsFirstWrite => Concurrency == "first-write";

    public bool IsLastWrite => Concurrency == "last-write";
}

/// <summary>One operation of a transaction or of a save.</summary>
internal sealed record StateOperation(bool Delete, StateItem Item);

/// <summary>A value that was found.</summary>
/// <param name="ExpiresAt">When the value goes away by itself, or null; only stores that tell it fill it in.</param>
internal sealed record StateValue(string Key, byte[] Value, string ETag, DateTimeOffset? ExpiresAt)
{
    /// <summary>The expiry as the API tells it, in whole seconds; null = none.</summary>
    public string? ExpiryText => ExpiresAt?.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture);
}
