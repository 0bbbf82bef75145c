using System.Text.Json.Nodes;

namespace WhatsAppMesh.DevSidecar.Tests.Recorded;

/// <summary>Writes that the recorded cases build upon and that are not among them.</summary>
internal static class Seeds
{
    private const string Transacted = "{\"name\":\"tx\",\"size\":1,\"note\":null}";

    /// <summary>The calls to make before a case.</summary>
    public static IEnumerable<JsonNode> Before(string file, string name) => (file, name) switch
    {
        ("state.postgresql.json", "state/pgstore/get") => [Save("pgstore", "plain", "{\"n\":1}")],
        ("state.postgresql.json", "state/pgstore/new-key/first-write/no-etag-second") => [Save("pgstore", "new-first-write", "1")],
        ("state.postgresql.json", "state/pgstore/key/empty/get") => [SaveUnderEmptyKey("pgstore", "22")],
        ("state.postgresql.json", "state/pgstore/save-several/same-key-twice") => Several("pgstore"),
        ("state.postgresql.json", "state/pgstore/bulk-get/parallelism-1") =>
            [Save("pgstore", "bulk-1", "{\"n\":1}"), Save("pgstore", "bulk-2", "\"two\"", ttl: "600"), Save("pgstore", "bulk-3", "three")],
        ("state.redis.json", "state/redisstore/key/slash-and-colon/get") => [Save("redisstore", "a/b:c", "1")],
        ("state.redis.json", "state/redisstore/save-several/same-key-twice") => Several("redisstore"),
        ("limits.json", "limits/request-headers-3-kilobytes") or ("token.json", "token/right/get-metadata") or (_, "client/metadata/GetMetadataAsync") => Noted(),
        (_, "client/state/pgstore/try-save/no-options/right") => [Save("pgstore", "c-2", "{\"name\":\"two\",\"size\":2,\"note\":null}")],
        (_, "client/state/redisstore/try-save/no-options/right") => [Save("redisstore", "c-2", "{\"name\":\"two\",\"size\":2,\"note\":null}")],
        (_, "client/state/pgstore/transaction/wrong-etag") or (_, "client/state/pgstore/transaction/ok/then-get") => [Save("pgstore", "c-1", Transacted)],
        (_, "client/state/redisstore/transaction/ok/then-get") => [Save("redisstore", "c-1", Transacted)],
        _ => [],
    };

    private static JsonNode[] Several(string store) => [Save(store, "several-1", "1"), Save(store, "several-2", "1"), Save(store, "several-3", "1")];

    private static JsonNode[] Noted() => [Note("probe-key", "another"), Note("probe-empty", ""), Note("probe-é", "漢\tb")];

    private static JsonObject Note(string key, string value) => new()
    {
        ["name"] = $"seed/{key}",
        ["rpc"] = "/dapr.proto.runtime.v1.Dapr/SetMetadata",
        ["request"] = new JsonObject { ["key"] = key, ["value"] = value },
        ["result"] = new JsonObject { ["ok"] = true },
    };

    /// <summary>A key that a transaction alone accepts.</summary>
    private static JsonObject SaveUnderEmptyKey(string store, string value)
    {
        var save = Save(store, "", value);
        var item = save["request"]!["states"]![0]!.DeepClone();
        save["rpc"] = "/dapr.proto.runtime.v1.Dapr/ExecuteStateTransaction";
        save["request"] = new JsonObject
        {
            ["storeName"] = store,
            ["operations"] = new JsonArray(new JsonObject { ["operationType"] = "upsert", ["request"] = item }),
        };
        return save;
    }

    private static JsonObject Save(string store, string key, string value, string? ttl = null)
    {
        var item = new JsonObject { ["key"] = key, ["value"] = Convert.ToBase64String(System.Text.Encoding.UTF8.GetBytes(value)) };
        if (ttl is not null)
            item["metadata"] = new JsonObject { ["ttlInSeconds"] = ttl };
        return new JsonObject
        {
            ["name"] = $"seed/{key}",
            ["rpc"] = "/dapr.proto.runtime.v1.Dapr/SaveState",
            ["request"] = new JsonObject { ["storeName"] = store, ["states"] = new JsonArray(item) },
            ["result"] = new JsonObject { ["ok"] = true },
        };
    }
}
