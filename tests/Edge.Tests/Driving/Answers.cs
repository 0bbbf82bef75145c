using System.Net;
using System.Text.Json;

namespace WhatsAppMesh.Edge.Tests.Driving;

/// <summary>What tests say about answers.</summary>
public static class Answers
{
    /// <summary>Sends and demands this problem.</summary>
    public static async Task<HttpResponseMessage> RefusedAsync(
        this EdgeUnderTest edge, HttpRequestMessage request, int status, string code, string? error = null)
    {
        var answer = await edge.Client.SendAsync(request);
        await answer.IsProblemAsync(status, code, error);
        return answer;
    }

    /// <summary>Sends and demands the answer to a wrong signature.</summary>
    public static Task InvalidAsync(this EdgeUnderTest edge, HttpRequestMessage request) =>
        edge.RefusedAsync(request, 401, "invalid_signature", "Invalid signature");

    /// <summary>Sends and demands the answer to a wrong API key.</summary>
    public static Task InvalidKeyAsync(this EdgeUnderTest edge, HttpRequestMessage request) =>
        edge.RefusedAsync(request, 401, "invalid_api_key", "Invalid API key");

    /// <summary>Sends and demands that ingest's 202 comes back.</summary>
    public static async Task AcceptedAsync(this EdgeUnderTest edge, HttpRequestMessage request)
    {
        using var answer = await edge.Client.SendAsync(request);
        Assert.True(answer.StatusCode == HttpStatusCode.Accepted, $"{(int)answer.StatusCode} {await answer.Content.ReadAsStringAsync()}");
    }

    public static async Task IsProblemAsync(this HttpResponseMessage answer, int status, string code, string? error = null)
    {
        var text = await answer.Content.ReadAsStringAsync();
        Assert.True((int)answer.StatusCode == status, $"expected {status} {code}, got {(int)answer.StatusCode} {text}");
        Assert.Equal("application/problem+json", answer.Content.Headers.ContentType?.MediaType);
        using var json = JsonDocument.Parse(text);
        Assert.Equal(code, json.RootElement.GetProperty("code").GetString());
        Assert.Equal(status, json.RootElement.GetProperty("status").GetInt32());
        if (error is not null)
            Assert.Equal(error, json.RootElement.GetProperty("error").GetString());
    }

    /// <summary>Asks again and again until the condition holds; fails after 30 s.</summary>
    public static async Task EventuallyAsync(Func<Task<bool>> condition, string what)
    {
        using var deadline = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        while (!await condition())
        {
            Assert.False(deadline.IsCancellationRequested, $"did not happen within 30 s: {what}");
            await Task.Delay(TimeSpan.FromMilliseconds(20));
        }
    }
}
