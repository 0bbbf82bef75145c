using System.Net;
using System.Net.Http.Headers;
using System.Text.Json.Nodes;
using WhatsAppMesh.DevSidecar.Tests.Running;

namespace WhatsAppMesh.DevSidecar.Tests.PubSub;

/// <summary>Publishes as an app does.</summary>
internal static class PubSubClient
{
    /// <summary>Publishes JSON and expects 204.</summary>
    public static async Task PublishAsync(this RunningSidecar sidecar, string topic, string json, string query = "")
    {
        using var answer = await sidecar.PostAsync($"/v1.0/publish/pubsub/{topic}{query}", json);
        Assert.Equal(HttpStatusCode.NoContent, answer.StatusCode);
    }

    /// <summary>Publishes events with the data {"n": i} and the ids e{i}, in bulk.</summary>
    public static async Task PublishNumbersAsync(HttpClient http, string topic, int first, int count)
    {
        var entries = Enumerable.Range(first, count).Select(n => new JsonObject
        {
            ["entryId"] = $"{n}",
            ["event"] = new JsonObject { ["n"] = n },
            ["contentType"] = "application/json",
            ["metadata"] = new JsonObject { ["cloudevent.id"] = $"e{n}" },
        });
        using var content = new StringContent(new JsonArray([.. entries]).ToJsonString(), MediaTypeHeaderValue.Parse("application/json"));
        using var answer = await http.PostAsync($"/v1.0/publish/bulk/pubsub/{topic}", content);
        Assert.Equal(HttpStatusCode.NoContent, answer.StatusCode);
    }

    public static async Task<HttpResponseMessage> PostAsync(this RunningSidecar sidecar, string path, string json)
    {
        using var content = new StringContent(json, MediaTypeHeaderValue.Parse("application/json"));
        return await sidecar.Http.PostAsync(path, content);
    }

    /// <summary>The event ids of a delivery, single or bulk.</summary>
    public static IEnumerable<string> Ids(Delivery delivery) => delivery.Json["entries"] is JsonArray entries
        ? entries.Select(entry => entry!["event"]!["id"]!.GetValue<string>())
        : [delivery.Json["id"]!.GetValue<string>()];
}
