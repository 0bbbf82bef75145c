using System.Text.Json;
using Dapr;
using Dapr.Client;

namespace WhatsAppMesh.DevSidecar.Tests.State;

/// <summary>
/// What the Dapr client does with every answer about state that a sidecar with a PostgreSQL store gives. Runs against any sidecar whose
/// store is empty; the calls and their order are those of the recording <c>vectors/state.postgresql.json</c>.
/// </summary>
public static class StateScenario
{
    private const string WrongETag = "3f2504e0-4f89-11d3-9a0c-0305e82c3301";
    private static readonly StateOptions s_firstWrite = new() { Concurrency = ConcurrencyMode.FirstWrite };
    private static readonly StateOptions s_lastWrite = new() { Concurrency = ConcurrencyMode.LastWrite };

    public static async Task RunAsync(DaprClient client, string store)
    {
        await SaveWithETagsAsync(client, store);
        await SaveFirstWriteAsync(client, store);
        await ExpireAsync(client, store);
        await DeleteWithETagsAsync(client, store);
        await RunTransactionsAsync(client, store);
        await SaveAndReadSeveralAsync(client, store);
        await KeepValuesAsync(client, store);
        await RefuseAsync(client, store);
    }

    private static async Task SaveWithETagsAsync(DaprClient client, string store)
    {
        Assert.Equal((null, ""), await client.GetStateAndETagAsync<Letters>(store, "k1"));
        await client.SaveStateAsync(store, "k1", new Letters(1, 2, 1));
        var (letters, etag) = await client.GetStateAndETagAsync<Letters>(store, "k1");
        Assert.Equal(new Letters(1, 2, 1), letters);
        Assert.NotEqual("", etag);

        Assert.True(await client.TrySaveStateAsync(store, "k1", 2, etag, s_firstWrite));
        Assert.False(await client.TrySaveStateAsync(store, "k1", 3, etag, s_firstWrite));
        Assert.False(await client.TrySaveStateAsync(store, "k1", 3, etag));
        Assert.False(await client.TrySaveStateAsync(store, "k1", 3, etag, s_lastWrite));
        Assert.False(await client.TrySaveStateAsync(store, "k1", 3, "not-an-etag"));
        Assert.True(await client.TrySaveStateAsync(store, "k1", 4, ""));
        Assert.False(await client.TrySaveStateAsync(store, "k2", 1, WrongETag, s_firstWrite));
        Assert.Equal(0, await client.GetStateAsync<int>(store, "k2"));
    }

    private static async Task SaveFirstWriteAsync(DaprClient client, string store)
    {
        await client.SaveStateAsync(store, "fw", 1, s_firstWrite);
        await Assert.ThrowsAsync<DaprException>(() => client.SaveStateAsync(store, "fw", 2, s_firstWrite));
        Assert.Equal(1, await client.GetStateAsync<int>(store, "fw"));
        await client.SaveStateAsync(store, "fw", 3);

        await client.SaveStateAsync(store, "lw", 1, s_lastWrite);
        await Assert.ThrowsAsync<DaprException>(() => client.SaveStateAsync(store, "lw", 2, s_firstWrite));
        Assert.Equal(1, await client.GetStateAsync<int>(store, "lw"));
    }

    private static async Task ExpireAsync(DaprClient client, string store)
    {
        await client.SaveStateAsync(store, "t", 1, metadata: Ttl("2"));
        Assert.Equal(1, await client.GetStateAsync<int>(store, "t"));
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        while (await client.GetStateAsync<int>(store, "t", cancellationToken: patience.Token) != 0)
            await Task.Delay(100, patience.Token);
        await client.SaveStateAsync(store, "t", 2, s_firstWrite, Ttl("100"));
        await client.SaveStateAsync(store, "t", 3);
        Assert.Equal(3, await client.GetStateAsync<int>(store, "t"));
    }

    private static async Task DeleteWithETagsAsync(DaprClient client, string store)
    {
        Assert.False(await client.TryDeleteStateAsync(store, "k1", WrongETag));
        Assert.False(await client.TryDeleteStateAsync(store, "nope", WrongETag));
        var entry = await client.GetStateEntryAsync<int>(store, "k1");
        Assert.Equal(4, entry.Value);
        Assert.True(await entry.TryDeleteAsync(s_firstWrite));
        await entry.DeleteAsync();
    }

    private static async Task RunTransactionsAsync(DaprClient client, string store)
    {
        await client.ExecuteStateTransactionAsync(store, [Upsert("tx1", 1), Upsert("tx2", 2)]);
        Assert.Equal(1, await client.GetStateAsync<int>(store, "tx1"));
        await Assert.ThrowsAsync<DaprException>(() => client.ExecuteStateTransactionAsync(
            store, [Upsert("tx2", 9), Upsert("tx1", 9, WrongETag, s_firstWrite)]));
        Assert.Equal(2, await client.GetStateAsync<int>(store, "tx2"));
        await Assert.ThrowsAsync<DaprException>(() => client.ExecuteStateTransactionAsync(store, [Upsert("tx1", 9, null, s_firstWrite)]));
        await Assert.ThrowsAsync<ArgumentException>(() => client.ExecuteStateTransactionAsync(store, []));
    }

    private static async Task SaveAndReadSeveralAsync(DaprClient client, string store)
    {
        await Assert.ThrowsAsync<DaprException>(() => client.SaveBulkStateAsync(
            store, [new SaveStateItem<int>("b1", 1, ""), new SaveStateItem<int>("tx1", 5, WrongETag, s_firstWrite)]));
        Assert.Equal(1, await client.GetStateAsync<int>(store, "b1"));

        var items = await client.GetBulkStateAsync<int?>(store, ["b1", "tx1", "missing"], parallelism: 2);
        Assert.Equal(
            [("b1", 1, true), ("missing", null, false), ("tx1", 1, true)],
            items.OrderBy(item => item.Key, StringComparer.Ordinal).Select(item => (item.Key, item.Value, item.ETag.Length > 0)));
    }

    private static async Task KeepValuesAsync(DaprClient client, string store)
    {
        object number = 12345678901234567000;
        await client.SaveBulkStateAsync(store, [new SaveStateItem<object>("num", number, ""), new SaveStateItem<object>("str", "hello", "")]);
        Assert.Equal(number, await client.GetStateAsync<ulong>(store, "num"));
        Assert.Equal("hello", await client.GetStateAsync<string>(store, "str"));
        await client.SaveStateAsync(
            store, "num", "hello"u8.ToArray(), metadata: new Dictionary<string, string> { ["contentType"] = "application/octet-stream" });
        Assert.Equal("hello"u8.ToArray(), await client.GetStateAsync<byte[]>(store, "num"));
    }

    private static async Task RefuseAsync(DaprClient client, string store)
    {
        await Assert.ThrowsAsync<DaprException>(() => client.SaveStateAsync(store, "a||b", 1));
        await Assert.ThrowsAsync<DaprException>(() => client.GetStateAsync<int>(store, "a||b"));
        await Assert.ThrowsAsync<DaprException>(() => client.SaveStateAsync(store, "b1", 1, metadata: Ttl("abc")));
        await client.SaveStateAsync(store, "b1", 1, metadata: Ttl("-1"));
        await Assert.ThrowsAsync<ArgumentException>(() => client.SaveBulkStateAsync<int>(store, []));
    }

    private static Dictionary<string, string> Ttl(string seconds) => new() { ["ttlInSeconds"] = seconds };

    private static StateTransactionRequest Upsert(string key, int value, string? etag = null, StateOptions? options = null) =>
        new(key, JsonSerializer.SerializeToUtf8Bytes(value), StateOperationType.Upsert, etag, null, options);

    private sealed record Letters(int B, int A, int F);
}
