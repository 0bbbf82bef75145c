namespace Dapr.Client;

/// <summary>One answer of a bulk read, with the value as stored.</summary>
/// <param name="key">The key.</param>
/// <param name="value">The value as JSON text; empty when the key does not exist.</param>
/// <param name="etag">The version; empty when the key does not exist.</param>
public readonly struct BulkStateItem(string key, string value, string etag)
{
    /// <summary>The key.</summary>
    public string Key { get; } = key;

    /// <summary>The value as JSON text; empty when the key does not exist.</summary>
    public string Value { get; } = value;

    /// <summary>The version; empty when the key does not exist.</summary>
    public string ETag { get; } = etag;
}

/// <summary>One answer of a bulk read.</summary>
/// <param name="key">The key.</param>
/// <param name="value">The value; the default of its type when the key does not exist.</param>
/// <param name="etag">The version; empty when the key does not exist.</param>
public readonly struct BulkStateItem<TValue>(string key, TValue value, string etag)
{
    /// <summary>The key.</summary>
    public string Key { get; } = key;

    /// <summary>The value; the default of its type when the key does not exist.</summary>
    public TValue Value { get; } = value;

    /// <summary>The version; empty when the key does not exist.</summary>
    public string ETag { get; } = etag;
}

/// <summary>One write of a bulk save.</summary>
/// <param name="key">The key.</param>
/// <param name="value">The value.</param>
/// <param name="etag">The version that must still be current; null or empty to write whatever is there.</param>
/// <param name="stateOptions">How the store treats the write.</param>
/// <param name="metadata">Store's own settings, such as <c>ttlInSeconds</c>.</param>
public readonly struct SaveStateItem<TValue>(
    string key, TValue value, string etag, StateOptions? stateOptions = null, IReadOnlyDictionary<string, string>? metadata = null)
{
    /// <summary>The key.</summary>
    public string Key { get; } = key;

    /// <summary>The value.</summary>
    public TValue Value { get; } = value;

    /// <summary>The version that must still be current; null or empty to write whatever is there.</summary>
    public string ETag { get; } = etag;

    /// <summary>How the store treats the write.</summary>
    public StateOptions? StateOptions { get; } = stateOptions;

    /// <summary>Store's own settings, such as <c>ttlInSeconds</c>.</summary>
    public IReadOnlyDictionary<string, string>? Metadata { get; } = metadata;
}

/// <summary>One deletion of a bulk delete.</summary>
/// <param name="key">The key.</param>
/// <param name="etag">The version that must still be current; null or empty to delete whatever is there.</param>
/// <param name="stateOptions">How the store treats the deletion.</param>
/// <param name="metadata">Store's own settings.</param>
public readonly struct BulkDeleteStateItem(
    string key, string etag, StateOptions? stateOptions = null, IReadOnlyDictionary<string, string>? metadata = null)
{
    /// <summary>The key.</summary>
    public string Key { get; } = key;

    /// <summary>The version that must still be current; null or empty to delete whatever is there.</summary>
    public string ETag { get; } = etag;

    /// <summary>How the store treats the deletion.</summary>
    public StateOptions? StateOptions { get; } = stateOptions;

    /// <summary>Store's own settings.</summary>
    public IReadOnlyDictionary<string, string>? Metadata { get; } = metadata;
}
