using System.Text.Json.Nodes;

namespace WhatsAppMesh.DevSidecar.Tests.Recorded;

/// <summary>Writes that the recorded cases build upon and that are not among them.</summary>
internal static class Seeds
{
    /// <summary>The calls to make before a case.</summary>
    public static IEnumerable<JsonNode> Before(string file, string name) => (file, name) switch
    {
        _ => [],
    };

    private static JsonObject Save(string store, string key, string value, bool firstWrite = false, string? ttl = null)
    {
        var item = new JsonObject { ["key"] = key, ["value"] = Convert.ToBase64String(System.Text.Encoding.UTF8.GetBytes(value)) };
        if (firstWrite)
            item["options"] = new JsonObject { ["concurrency"] = "CONCURRENCY_FIRST_WRITE" };
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
