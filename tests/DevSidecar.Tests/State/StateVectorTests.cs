using System.Net;
using System.Text;
using System.Text.Json;
using WhatsAppMesh.DevSidecar.Tests.Running;
using WhatsAppMesh.LocalPostgres;
using Xunit.Abstractions;

namespace WhatsAppMesh.DevSidecar.Tests.State;

/// <summary>Replays, step by step, what a real sidecar answered.</summary>
public sealed class StateVectorTests(ITestOutputHelper output)
{
    [Theory]
    [InlineData("state.postgresql.json", "claims", "state.postgresql", "v2")]
    [InlineData("state.redis.json", "redisstate", "state.redis", "v1")]
    public async Task Every_recorded_step_is_answered_as_by_a_real_sidecar(string vector, string store, string type, string version)
    {
        await using var database = await TestDatabase.CreateAsync();
        await using var sidecar = await RunningSidecar.StartAsync(database.ConnectionString, "caller", resources: [StateComponents.Yaml(store, type, version)]);
        using var steps = JsonDocument.Parse(await File.ReadAllBytesAsync(SharedFiles.Vector(vector)));

        var etag = "";
        var count = 0;
        foreach (var step in steps.RootElement.GetProperty("steps").EnumerateArray())
        {
            var name = step.GetProperty("name").GetString();
            output.WriteLine(name);
            using var response = step.TryGetProperty("waitMsBefore", out _)
                ? await UntilExpectedAsync(sidecar.Http, store, step, etag)
                : await SendAsync(sidecar.Http, store, step, etag);
            await AssertExpectedAsync(step.GetProperty("expect"), response, $"step {count} ({name})");
            if (step.GetProperty("method").GetString() == "GET" && response.StatusCode == HttpStatusCode.OK)
                etag = response.Headers.NonValidated["ETag"].ToString();
            count++;
        }

        Assert.True(count > 50, $"only {count} steps were replayed");
    }

    // The recording waited for a TTL to run out; here the answer is awaited instead.
    private static async Task<HttpResponseMessage> UntilExpectedAsync(HttpClient http, string store, JsonElement step, string etag)
    {
        var expected = step.GetProperty("expect").GetProperty("status").GetInt32();
        var deadline = TimeProvider.System.GetTimestamp();
        while (true)
        {
            var response = await SendAsync(http, store, step, etag);
            if ((int)response.StatusCode == expected || TimeProvider.System.GetElapsedTime(deadline) > TimeSpan.FromSeconds(60))
                return response;
            response.Dispose();
            await Task.Delay(50);
        }
    }

    private static async Task<HttpResponseMessage> SendAsync(HttpClient http, string store, JsonElement step, string etag)
    {
        var path = step.GetProperty("path").GetString();
        using var request = new HttpRequestMessage(new HttpMethod(step.GetProperty("method").GetString()!), new Uri($"/v1.0/state/{store}{path}", UriKind.Relative));
        if (step.TryGetProperty("body", out var body))
        {
            var text = body.ValueKind == JsonValueKind.String ? body.GetString()! : body.GetRawText();
            // The recording's two seconds are short on a busy machine: the step between must come before the end.
            request.Content = new StringContent(text.Replace("$etag", etag, StringComparison.Ordinal).Replace("\"ttlInSeconds\": \"2\"", "\"ttlInSeconds\": \"8\"", StringComparison.Ordinal), Encoding.UTF8, "application/json");
        }

        if (step.TryGetProperty("headers", out var headers))
        {
            foreach (var header in headers.EnumerateObject())
                request.Headers.TryAddWithoutValidation(header.Name, header.Value.GetString()!.Replace("$etag", etag, StringComparison.Ordinal));
        }

        return await http.SendAsync(request);
    }

    private static async Task AssertExpectedAsync(JsonElement expect, HttpResponseMessage response, string step)
    {
        var text = await response.Content.ReadAsStringAsync();
        Assert.True(expect.GetProperty("status").GetInt32() == (int)response.StatusCode, $"{step}: {(int)response.StatusCode} {text}");
        if (expect.TryGetProperty("errorCode", out var code))
        {
            using var error = JsonDocument.Parse(text);
            Assert.Equal((step, code.GetString()), (step, error.RootElement.GetProperty("errorCode").GetString()));
            Assert.NotEqual("", error.RootElement.GetProperty("message").GetString());
        }

        if (expect.TryGetProperty("body", out var body))
        {
            using var actual = JsonDocument.Parse(text);
            AssertSame(body, actual.RootElement, step);
        }

        Assert.Equal((step, expect.TryGetProperty("etag", out _)), (step, response.Headers.NonValidated.Contains("ETag")));
        Assert.Equal((step, expect.TryGetProperty("metadata", out _)), (step, response.Headers.NonValidated.Contains("metadata.ttlExpireTime")));
    }

    private static void AssertSame(JsonElement expected, JsonElement actual, string step)
    {
        switch (expected.ValueKind)
        {
            case JsonValueKind.Object:
                Assert.Equal(expected.EnumerateObject().Select(m => m.Name).Order(), actual.EnumerateObject().Select(m => m.Name).Order());
                foreach (var member in expected.EnumerateObject())
                    AssertSame(member.Value, actual.GetProperty(member.Name), step);
                break;
            case JsonValueKind.Array:
                // Bulk results have no order.
                Assert.Equal(expected.GetArrayLength(), actual.GetArrayLength());
                foreach (var (first, second) in ByKey(expected).Zip(ByKey(actual)))
                    AssertSame(first, second, step);
                break;
            case JsonValueKind.String when expected.GetString() == "$any":
                Assert.NotEqual("", actual.GetString());
                break;
            default:
                Assert.Equal((step, expected.GetRawText()), (step, actual.GetRawText()));
                break;
        }
    }

    private static IEnumerable<JsonElement> ByKey(JsonElement array) =>
        array.EnumerateArray().OrderBy(item => item.GetProperty("key").GetString(), StringComparer.Ordinal);
}
