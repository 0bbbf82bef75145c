namespace Dapr.Client;

/// <summary>What an operation of a transaction does.</summary>
public enum StateOperationType
{
    /// <summary>Writes the value, creating the key if need be.</summary>
    Upsert,

    /// <summary>Deletes the key.</summary>
    Delete,
}

/// <summary>One operation of a transaction.</summary>
/// <param name="key">The key.</param>
/// <param name="value">The value, serialised as JSON; null for a deletion.</param>
/// <param name="operationType">What to do.</param>
/// <param name="etag">The version that must still be current; null or empty to act on whatever is there.</param>
/// <param name="metadata">Store's own settings, such as <c>ttlInSeconds</c>.</param>
/// <param name="options">How the store treats the operation.</param>
/// <exception cref="ArgumentNullException">The key is null.</exception>
public sealed class StateTransactionRequest(
    string key,
    byte[]? value,
    StateOperationType operationType,
    string? etag = null,
    IReadOnlyDictionary<string, string>? metadata = null,
    StateOptions? options = null)
{
    /// <summary>The key.</summary>
    public string Key { get; } = key ?? throw new ArgumentNullException(nameof(key));

    /// <summary>The value, serialised as JSON; null for a deletion.</summary>
    public byte[]? Value { get; set; } = value;

    /// <summary>What to do.</summary>
    public StateOperationType? OperationType { get; set; } = operationType;

    /// <summary>The version that must still be current; null or empty to act on whatever is there.</summary>
    public string? ETag { get; set; } = etag;

    /// <summary>Store's own settings, such as <c>ttlInSeconds</c>.</summary>
    public IReadOnlyDictionary<string, string>? Metadata { get; set; } = metadata;

    /// <summary>How the store treats the operation.</summary>
    public StateOptions? Options { get; set; } = options;
}
