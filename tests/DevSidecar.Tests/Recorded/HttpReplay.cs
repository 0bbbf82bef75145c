using System.Net.Http.Headers;
using System.Text.Json.Nodes;

namespace WhatsAppMesh.DevSidecar.Tests.Recorded;

/// <summary>Makes recorded calls of the HTTP port again.</summary>
internal sealed class HttpReplay(string address, string? token)
{
    public async Task<IReadOnlyList<string>> RunAsync(JsonNode recorded)
    {
        var name = RecordedCalls.NameOf(recorded);
        var line = recorded["rpc"]!.GetValue<string>().Split(' ');
        using var http = new HttpClient { BaseAddress = new Uri(address) };
        using var request = new HttpRequestMessage(new HttpMethod(line[0]), line[1]);
        if (RecordedMetadata.Of(recorded, token).Get("dapr-api-token") is { } shown)
            request.Headers.Add(shown.Key, shown.Value);
        using var response = await http.SendAsync(request);
        var here = new JsonObject { ["ok"] = true, ["value"] = await ToJsonAsync(response) };
        var varying = RecordedCalls.Varying(recorded, "/result").ToList();
        if (line[1].EndsWith("/metadata", StringComparison.Ordinal) && (int)response.StatusCode == 200)
            varying.Add("/value/body");
        return RecordedCalls.Difference(recorded["result"], here, varying) is { } difference ? [$"{name}: {difference}"] : [];
    }

    /// <summary>An answer in the form of the recordings.</summary>
    public static async Task<JsonObject> ToJsonAsync(HttpResponseMessage response)
    {
        var headers = new JsonObject();
        foreach (var (header, values) in response.Headers.NonValidated.Concat<KeyValuePair<string, HeaderStringValues>>(response.Content.Headers.NonValidated))
            headers[header.ToLowerInvariant()] = string.Join(", ", (IEnumerable<string>)values);
        return new JsonObject
        {
            ["status"] = (int)response.StatusCode,
            ["reason"] = response.ReasonPhrase,
            ["version"] = response.Version.ToString(),
            ["headers"] = headers,
            ["body"] = await response.Content.ReadAsStringAsync(),
        };
    }
}
