using WhatsAppMesh.DevSidecar.Api;

namespace WhatsAppMesh.DevSidecar.State;

/// <summary>
/// The state API without a transport: get, bulk get, save, delete, bulk delete and transaction over the configured state components.
/// Both doors call it, and tell the errors it throws in their own way.
/// </summary>
internal sealed class StateEngine(StateStores stores)
{
    /// <summary>Makes sure that there is such a store, before a request to it is read.</summary>
    /// <exception cref="DaprErrorException">There is none.</exception>
    public void Require(string store) => stores.Get(store);

    /// <summary>Makes sure that a key cannot reach into another application's keys.</summary>
    /// <exception cref="DaprErrorException">It could.</exception>
    public static void CheckKey(string store, string key)
    {
        try
        {
            StateKeyPrefix.CheckKey(key);
        }
        catch (ArgumentException e)
        {
            throw new DaprErrorException(ApiErrors.IllegalStateKey(store, key, e.Message));
        }
    }

    public Task<StateValue?> GetAsync(string store, string key, CancellationToken cancellationToken)
    {
        var found = stores.Get(store);
        CheckKey(store, key);
        return RunAsync(store, token => found.GetAsync(key, token), e => ApiErrors.StateGet(store, key, e), retryConflicts: false, cancellationToken);
    }

    /// <summary>The values of the keys, in the order in which the store's type lists them; null for a key that is not there.</summary>
    public Task<IReadOnlyList<KeyValuePair<string, StateValue?>>> GetManyAsync(string store, IReadOnlyList<string> keys, CancellationToken cancellationToken)
    {
        var found = stores.Get(store);
        foreach (var key in keys)
            CheckKey(store, key);
        return RunAsync(store, token => found.GetManyAsync(keys, token), e => ApiErrors.StateBulkGet(store, e), retryConflicts: false, cancellationToken);
    }

    /// <summary>Saves the items; one round trip, not atomic.</summary>
    public Task SaveAsync(string store, IReadOnlyList<StateItem> items, CancellationToken cancellationToken)
    {
        var found = Check(store, items);
        return items.Count == 0
            ? Task.CompletedTask
            : RunAsync(store, token => found.SaveAsync(items, token), e => ApiErrors.StateSave(store, e), retryConflicts: false, cancellationToken);
    }

    public Task DeleteAsync(string store, StateItem item, CancellationToken cancellationToken)
    {
        var found = Check(store, [item]);
        return RunAsync(store, token => found.DeleteAsync([item], token), e => ApiErrors.StateDelete(item.Key, e), retryConflicts: true, cancellationToken);
    }

    /// <summary>Deletes the items; one round trip, not atomic.</summary>
    public Task DeleteManyAsync(string store, IReadOnlyList<StateItem> items, CancellationToken cancellationToken)
    {
        var found = Check(store, items);
        return items.Count == 0
            ? Task.CompletedTask
            : RunAsync(store, token => found.DeleteAsync(items, token), e => ApiErrors.StateBulkDelete(store, e), retryConflicts: false, cancellationToken);
    }

    public Task TransactAsync(string store, IReadOnlyList<StateOperation> operations, CancellationToken cancellationToken)
    {
        var found = Check(store, operations.Select(operation => operation.Item));
        return RunAsync(store, token => found.TransactAsync(operations, token), ApiErrors.StateTransaction, retryConflicts: true, cancellationToken);
    }

    /// <summary>Says that the store cannot be queried, as those of daprd that this sidecar stands for cannot.</summary>
    public DaprError Query(string store, ReadOnlySpan<byte> query)
    {
        if (stores.Get(store).QueryRefusal is not { } refusal)
            return ApiErrors.StateQueryUnsupported(store);

        return ApiErrors.StateQuery(store, GoJsonSyntax.Check(query) is { } problem ? $"failed to parse JSON query body: {problem}" : refusal);
    }

    private StateStore Check(string store, IEnumerable<StateItem> items)
    {
        var found = stores.Get(store);
        foreach (var item in items)
            CheckKey(store, item.Key);
        return found;
    }

    private Task RunAsync(
        string store, Func<CancellationToken, Task> call, Func<StateException, DaprError> tell, bool retryConflicts, CancellationToken cancellationToken) =>
        RunAsync<object?>(
            store,
            async token =>
            {
                await call(token);
                return null;
            },
            tell,
            retryConflicts,
            cancellationToken);

    private async Task<T> RunAsync<T>(
        string store, Func<CancellationToken, Task<T>> call, Func<StateException, DaprError> tell, bool retryConflicts, CancellationToken cancellationToken)
    {
        try
        {
            return await stores.RunAsync(store, call, retryConflicts, cancellationToken);
        }
        catch (StateException e)
        {
            throw new DaprErrorException(tell(e));
        }
    }
}
