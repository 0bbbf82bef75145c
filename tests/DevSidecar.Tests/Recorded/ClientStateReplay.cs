using System.Text.Json;
using System.Text.Json.Nodes;
using Dapr.Client;

namespace WhatsAppMesh.DevSidecar.Tests.Recorded;

/// <summary>The state calls of the recordings.</summary>
internal sealed partial class ClientReplay
{
    private static readonly Widget One = new("one", 1, null);
    private static readonly Widget Two = new("two", 2, null);
    private static readonly Widget Three = new("three", 3, null);
    private static readonly byte[] Odd = [0, 255, 128];

    private async Task<object?> StateAsync(string name, string method, JsonObject arguments)
    {
        var key = arguments["key"]?.GetValue<string>() ?? "k";
        var into = arguments["store"]?.GetValue<string>() ?? store;
        var options = name.Contains("first-write", StringComparison.Ordinal) ? new StateOptions { Concurrency = ConcurrencyMode.FirstWrite }
            : name.Contains("last-write", StringComparison.Ordinal) ? new StateOptions { Concurrency = ConcurrencyMode.LastWrite }
            : null;
        switch (method)
        {
            case "GetStateAsync<string>":
                return await _client.GetStateAsync<string>(into, key);
            case "GetStateAsync<int>":
                return await _client.GetStateAsync<int>(into, key);
            case "GetStateAsync<Widget>":
                return await _client.GetStateAsync<Widget>(into, key);
            case "GetStateAsync<JsonElement>":
                return await _client.GetStateAsync<JsonElement>(into, key);
            case "GetStateAndETagAsync<Widget>":
                return Pair(await _client.GetStateAndETagAsync<Widget>(into, key));
            case "SaveStateAsync<string>":
                await _client.SaveStateAsync(into, key, "x");
                return "(returned)";
            case "SaveStateAsync<Widget>":
                await _client.SaveStateAsync(into, key, name == "save-null" ? null : One, options, Metadata(arguments));
                return "(returned)";
            case "TrySaveStateAsync<Widget>":
                return await _client.TrySaveStateAsync(into, key, Two, await ETagAsync(arguments, key), options);
            case "TrySaveStateAsync<string>":
                return await _client.TrySaveStateAsync(into, "k", "x", WrongETag);
            case "TryDeleteStateAsync":
                return await _client.TryDeleteStateAsync(into, key, await ETagAsync(arguments, key));
            case "DeleteStateAsync":
                await _client.DeleteStateAsync(into, key);
                return "(returned)";
            case "GetByteStateAsync":
                return await _client.GetByteStateAsync(into, key);
            case "SaveByteStateAsync":
                await _client.SaveByteStateAsync(into, key, Odd);
                return "(returned)";
            case "GetByteStateAndETagAsync":
                var (bytes, version) = await _client.GetByteStateAndETagAsync(into, key);
                return new JsonObject { ["base64"] = Convert.ToBase64String(bytes.Span), ["etag"] = version };
            case "TrySaveByteStateAsync":
                return await _client.TrySaveByteStateAsync(into, key, Odd, WrongETag);
            default:
                return name.StartsWith("bulk/", StringComparison.Ordinal) ? await BulkAsync(name, arguments) : await TogetherAsync(name, key);
        }
    }

    private async Task<object?> BulkAsync(string name, JsonObject arguments)
    {
        string[] keys = [.. arguments["keys"]!.AsArray().Select(key => key!.GetValue<string>())];
        switch (name)
        {
            case "bulk/get":
                return (await _client.GetBulkStateAsync(store, keys, 2)).Select(item => new { item.Key, item.Value, item.ETag });
            case "bulk/get-typed":
                return (await _client.GetBulkStateAsync<Widget>(store, keys, null)).Select(item => new { item.Key, item.Value, item.ETag });
            case "bulk/save":
                await _client.SaveBulkStateAsync(store, [new SaveStateItem<Widget>("c-1", One, ""), new SaveStateItem<Widget>("c-3", Three, "")]);
                return "(returned)";
            case "bulk/save-wrong-etag":
                await _client.SaveBulkStateAsync(store, [new SaveStateItem<Widget>("c-1", One, WrongETag)]);
                return "(returned)";
            default:
                var etag = name == "bulk/delete" ? null : WrongETag;
                await _client.DeleteBulkStateAsync(store, [.. keys.Select(key => new BulkDeleteStateItem(key, etag ?? ""))]);
                return "(returned)";
        }
    }

    private async Task<object?> TogetherAsync(string name, string key)
    {
        switch (name)
        {
            case "transaction/ok":
                await _client.ExecuteStateTransactionAsync(store, [Upsert("c-1", new Widget("tx", 1, null), null)]);
                return "(returned)";
            case "transaction/wrong-etag":
                await _client.ExecuteStateTransactionAsync(store, [Upsert("c-1", new Widget("tx", 2, null), null), Upsert("c-1", Three, WrongETag)]);
                return "(returned)";
            case "query":
                return await _client.QueryStateAsync<Widget>(store, "{}");
            case "entry/of-missing":
                var entry = await _client.GetStateEntryAsync<Widget>(store, key);
                var was = entry.Value;
                entry.Value = One;
                var saved = await entry.TrySaveAsync();
                return new { value = was, etag = "", key = entry.Key, store = entry.StoreName, trySave = saved, etagAfterTrySave = entry.ETag };
            case "entry/save-twice":
                await _client.SaveStateAsync(store, key, One);
                var twice = await _client.GetStateEntryAsync<Widget>(store, key);
                twice.Value = Two;
                return new { first = await twice.TrySaveAsync(), second = await twice.TrySaveAsync() };
            default:
                throw new InvalidOperationException($"No call is written for {name}.");
        }
    }

    private static StateTransactionRequest Upsert(string key, Widget value, string? etag) =>
        new(key, JsonSerializer.SerializeToUtf8Bytes(value, JsonSerializerOptions.Web), StateOperationType.Upsert, etag);

    private static JsonObject Pair((Widget Value, string ETag) read) => new() { ["value"] = JsonSerializer.SerializeToNode(read.Value), ["etag"] = read.ETag };

    private async Task<string> ETagAsync(JsonObject arguments, string key) => arguments["etag"]!.GetValue<string>() switch
    {
        "right" => (await _client.GetStateAndETagAsync<Widget>(store, key)).etag,
        "wrong" or "wrong-of-missing" => WrongETag,
        "nonsense" => "not an etag",
        _ => "",
    };

    private static Dictionary<string, string>? Metadata(JsonObject arguments) => arguments["metadata"]?.GetValue<string>()
        .Split(", ").Select(pair => pair.Split('=')).ToDictionary(pair => pair[0], pair => pair[1]);
}
