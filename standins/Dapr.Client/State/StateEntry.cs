namespace Dapr.Client;

/// <summary>A value together with where it came from, so that it can be written back.</summary>
public sealed class StateEntry<TValue>
{
    private readonly DaprClient _client;

    /// <summary>Creates an entry; <see cref="DaprClient.GetStateEntryAsync"/> is the usual way to get one.</summary>
    /// <exception cref="ArgumentException">The store or the key is null or empty.</exception>
    public StateEntry(DaprClient client, string storeName, string key, TValue value, string etag)
    {
        ArgumentNullException.ThrowIfNull(client);
        ArgumentException.ThrowIfNullOrEmpty(storeName);
        ArgumentException.ThrowIfNullOrEmpty(key);
        _client = client;
        StoreName = storeName;
        Key = key;
        Value = value;
        ETag = etag;
    }

    /// <summary>Name of the store.</summary>
    public string StoreName { get; }

    /// <summary>The key.</summary>
    public string Key { get; }

    /// <summary>The value; changing it changes nothing in the store until it is saved.</summary>
    public TValue Value { get; set; }

    /// <summary>The version that was read; empty when the key did not exist.</summary>
    public string ETag { get; }

    /// <summary>Deletes the key, whatever is there now.</summary>
    public Task DeleteAsync(
        StateOptions? stateOptions = null, IReadOnlyDictionary<string, string>? metadata = null, CancellationToken cancellationToken = default) =>
        _client.DeleteStateAsync(StoreName, Key, stateOptions, metadata, cancellationToken);

    /// <summary>Saves <see cref="Value"/> over whatever is there now.</summary>
    public Task SaveAsync(
        StateOptions? stateOptions = null, IReadOnlyDictionary<string, string>? metadata = null, CancellationToken cancellationToken = default) =>
        _client.SaveStateAsync(StoreName, Key, Value, stateOptions, metadata, cancellationToken);

    /// <summary>Deletes the key unless it changed since it was read; false when it did.</summary>
    public Task<bool> TryDeleteAsync(
        StateOptions? stateOptions = null, IReadOnlyDictionary<string, string>? metadata = null, CancellationToken cancellationToken = default) =>
        _client.TryDeleteStateAsync(StoreName, Key, ETag, stateOptions, metadata, cancellationToken);

    /// <summary>Saves <see cref="Value"/> unless the key changed since it was read; false when it did.</summary>
    public Task<bool> TrySaveAsync(
        StateOptions? stateOptions = null, IReadOnlyDictionary<string, string>? metadata = null, CancellationToken cancellationToken = default) =>
        _client.TrySaveStateAsync(StoreName, Key, Value, ETag, stateOptions, metadata, cancellationToken);
}
