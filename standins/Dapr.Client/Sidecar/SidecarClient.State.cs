using System.Net;
using System.Text.Json;

namespace Dapr.Client;

internal sealed partial class SidecarClient
{
    private const string Reading = "Reading state";
    private const string Saving = "Saving state";
    private const string Deleting = "Deleting state";

    public override async Task<TValue> GetStateAsync<TValue>(
        string storeName,
        string key,
        ConsistencyMode? consistencyMode = null,
        IReadOnlyDictionary<string, string>? metadata = null,
        CancellationToken cancellationToken = default) =>
        (await GetStateAndETagAsync<TValue>(storeName, key, consistencyMode, metadata, cancellationToken)).value;

    public override async Task<(TValue value, string etag)> GetStateAndETagAsync<TValue>(
        string storeName,
        string key,
        ConsistencyMode? consistencyMode = null,
        IReadOnlyDictionary<string, string>? metadata = null,
        CancellationToken cancellationToken = default)
    {
        var path = KeyPath(storeName, key) + Query(new StateOptions { Consistency = consistencyMode }, metadata);
        var answer = await http.SendAsync(Reading, new HttpRequestMessage(HttpMethod.Get, path), cancellationToken);
        // A missing key is 204 without a body; so is, after a write without a value, an empty one.
        return answer.Body.Length == 0 ? (default!, answer.ETag) : (Parse<TValue>(Reading, answer.Body, json), answer.ETag);
    }

    public override Task<IReadOnlyList<BulkStateItem>> GetBulkStateAsync(
        string storeName,
        IReadOnlyList<string> keys,
        int? parallelism,
        IReadOnlyDictionary<string, string>? metadata = null,
        CancellationToken cancellationToken = default) =>
        GetBulkAsync(
            storeName,
            keys,
            parallelism,
            metadata,
            item => new BulkStateItem(item.Key, item.Data?.GetRawText() ?? "", item.ETag ?? ""),
            cancellationToken);

    public override Task<IReadOnlyList<BulkStateItem<TValue>>> GetBulkStateAsync<TValue>(
        string storeName,
        IReadOnlyList<string> keys,
        int? parallelism,
        IReadOnlyDictionary<string, string>? metadata = null,
        CancellationToken cancellationToken = default) =>
        GetBulkAsync(
            storeName,
            keys,
            parallelism,
            metadata,
            item => new BulkStateItem<TValue>(item.Key, item.Data is { } data ? Read<TValue>(data) : default!, item.ETag ?? ""),
            cancellationToken);

    public override Task SaveStateAsync<TValue>(
        string storeName,
        string key,
        TValue value,
        StateOptions? stateOptions = null,
        IReadOnlyDictionary<string, string>? metadata = null,
        CancellationToken cancellationToken = default) =>
        SaveAsync(storeName, [new SaveStateItem<TValue>(key, value, "", stateOptions, metadata)], null, cancellationToken);

    public override async Task<bool> TrySaveStateAsync<TValue>(
        string storeName,
        string key,
        TValue value,
        string etag,
        StateOptions? stateOptions = null,
        IReadOnlyDictionary<string, string>? metadata = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(etag);
        var item = new SaveStateItem<TValue>(key, value, etag, stateOptions, metadata);
        return await SaveAsync(storeName, [item], HttpStatusCode.Conflict, cancellationToken) != HttpStatusCode.Conflict;
    }

    public override Task SaveBulkStateAsync<TValue>(
        string storeName, IReadOnlyList<SaveStateItem<TValue>> items, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(items);
        return SaveAsync(storeName, items, null, cancellationToken);
    }

    public override Task DeleteStateAsync(
        string storeName,
        string key,
        StateOptions? stateOptions = null,
        IReadOnlyDictionary<string, string>? metadata = null,
        CancellationToken cancellationToken = default) =>
        DeleteAsync(storeName, new BulkDeleteStateItem(key, "", stateOptions, metadata), null, cancellationToken);

    public override async Task<bool> TryDeleteStateAsync(
        string storeName,
        string key,
        string etag,
        StateOptions? stateOptions = null,
        IReadOnlyDictionary<string, string>? metadata = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(etag);
        var item = new BulkDeleteStateItem(key, etag, stateOptions, metadata);
        return await DeleteAsync(storeName, item, HttpStatusCode.Conflict, cancellationToken) != HttpStatusCode.Conflict;
    }

    // The HTTP API deletes one key at a time. As in its bulk calls, one failure does not keep the others from being tried.
    public override Task DeleteBulkStateAsync(
        string storeName, IReadOnlyList<BulkDeleteStateItem> items, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(items);
        return Task.WhenAll(items.Select(item => DeleteAsync(storeName, item, null, cancellationToken)));
    }

    public override Task ExecuteStateTransactionAsync(
        string storeName,
        IReadOnlyList<StateTransactionRequest> operations,
        IReadOnlyDictionary<string, string>? metadata = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(operations);
        var request = new HttpRequestMessage(HttpMethod.Post, StorePath(storeName) + "/transaction")
        {
            Content = StateJson.Content(writer => WriteTransaction(writer, operations, metadata)),
        };
        return http.SendAsync("The state transaction", request, cancellationToken);
    }

    private static void WriteTransaction(
        Utf8JsonWriter writer, IReadOnlyList<StateTransactionRequest> operations, IReadOnlyDictionary<string, string>? metadata)
    {
        writer.WriteStartObject();
        writer.WriteStartArray("operations");
        foreach (var operation in operations)
        {
            writer.WriteStartObject();
            writer.WriteString("operation", operation.OperationType == StateOperationType.Delete ? "delete" : "upsert");
            writer.WritePropertyName("request");
            StateJson.WriteItem(
                writer,
                operation.Key,
                operation.Value is null ? null : value => WriteGiven(value, operation.Value),
                operation.ETag,
                operation.Options,
                operation.Metadata);
            writer.WriteEndObject();
        }
        writer.WriteEndArray();
        StateJson.WriteMetadata(writer, metadata);
        writer.WriteEndObject();
    }

    private static void WriteGiven(Utf8JsonWriter writer, byte[] value)
    {
        try
        {
            writer.WriteRawValue(value);
        }
        catch (Exception exception) when (exception is JsonException or ArgumentException)
        {
            throw new ArgumentException("The value of an operation is not JSON; serialise it first.", nameof(value), exception);
        }
    }

    private static string StorePath(string storeName)
    {
        ArgumentException.ThrowIfNullOrEmpty(storeName);
        return "/v1.0/state/" + Uri.EscapeDataString(storeName);
    }

    private static string KeyPath(string storeName, string key)
    {
        ArgumentException.ThrowIfNullOrEmpty(key);
        return $"{StorePath(storeName)}/{Uri.EscapeDataString(key)}";
    }

    private async Task<HttpStatusCode> SaveAsync<TValue>(
        string storeName, IReadOnlyList<SaveStateItem<TValue>> items, HttpStatusCode? expected, CancellationToken cancellationToken)
    {
        foreach (var item in items)
            ArgumentException.ThrowIfNullOrEmpty(item.Key, "key");
        var request = new HttpRequestMessage(HttpMethod.Post, StorePath(storeName))
        {
            Content = StateJson.Content(writer =>
            {
                writer.WriteStartArray();
                foreach (var item in items)
                {
                    StateJson.WriteItem(
                        writer, item.Key, value => JsonSerializer.Serialize(value, item.Value, json), item.ETag, item.StateOptions, item.Metadata);
                }
                writer.WriteEndArray();
            }),
        };
        return (await http.SendAsync(Saving, request, cancellationToken, expected)).Status;
    }

    private async Task<HttpStatusCode> DeleteAsync(
        string storeName, BulkDeleteStateItem item, HttpStatusCode? expected, CancellationToken cancellationToken)
    {
        var request = new HttpRequestMessage(HttpMethod.Delete, KeyPath(storeName, item.Key) + Query(item.StateOptions, item.Metadata));
        // As it is: the sidecar does not expect the quotes of an HTTP entity tag.
        if (!string.IsNullOrEmpty(item.ETag))
            request.Headers.TryAddWithoutValidation("If-Match", item.ETag);
        return (await http.SendAsync(Deleting, request, cancellationToken, expected)).Status;
    }

    private async Task<IReadOnlyList<TItem>> GetBulkAsync<TItem>(
        string storeName,
        IReadOnlyList<string> keys,
        int? parallelism,
        IReadOnlyDictionary<string, string>? metadata,
        Func<BulkAnswer, TItem> convert,
        CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(keys);
        var request = new HttpRequestMessage(HttpMethod.Post, StorePath(storeName) + "/bulk")
        {
            Content = StateJson.Content(writer =>
            {
                writer.WriteStartObject();
                writer.WritePropertyName("keys");
                JsonSerializer.Serialize(writer, keys);
                if (parallelism is { } count)
                    writer.WriteNumber("parallelism", count);
                StateJson.WriteMetadata(writer, metadata);
                writer.WriteEndObject();
            }),
        };
        var answer = await http.SendAsync(Reading, request, cancellationToken);
        var items = answer.Body.Length == 0 ? [] : Parse<List<BulkAnswer>>(Reading, answer.Body, JsonSerializerOptions.Web);
        // A key that could not be read must not look like one that does not exist.
        if (items.Find(item => !string.IsNullOrEmpty(item.Error)) is { } failed)
            throw new DaprException(
                $"{Reading} failed: the sidecar could not read one of the keys. See the inner exception.", new HttpRequestException(failed.Error));
        return [.. items.Select(convert)];
    }

    private TValue Read<TValue>(JsonElement data)
    {
        try
        {
            return data.Deserialize<TValue>(json)!;
        }
        catch (JsonException exception)
        {
            throw new DaprException($"{Reading} failed: a value is not JSON of the type asked for. See the inner exception.", exception);
        }
    }

    private sealed record BulkAnswer(string Key, JsonElement? Data, string? ETag, string? Error);
}
