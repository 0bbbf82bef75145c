using System.Net;
using System.Text.Json;

namespace WhatsAppMesh.Mesh.Running;

/// <summary>Whether a service and its sidecar are ready, and if not, why.</summary>
/// <param name="App">Null = the service is ready.</param>
/// <param name="Sidecar">Null = the sidecar is ready.</param>
public sealed record ReadinessReport(string? App, string? Sidecar)
{
    /// <summary>True when both are ready.</summary>
    public bool IsReady => App is null && Sidecar is null;
}

/// <summary>Asks services (<c>/readyz</c>) and sidecars (<c>/v1.0/healthz</c>) whether they are ready.</summary>
public static class Readiness
{
    private static readonly HttpClient Client = new() { Timeout = TimeSpan.FromSeconds(3) };

    /// <summary>Asks once.</summary>
    public static async Task<ReadinessReport> AskAsync(Uri http, Uri daprHttp, CancellationToken cancellationToken = default)
    {
        var app = AskOneAsync(new Uri(http, "/readyz"), HttpStatusCode.OK, cancellationToken);
        var sidecar = AskOneAsync(new Uri(daprHttp, "/v1.0/healthz"), HttpStatusCode.NoContent, cancellationToken);
        return new ReadinessReport(await app, await sidecar);
    }

    private static async Task<string?> AskOneAsync(Uri address, HttpStatusCode ready, CancellationToken cancellationToken)
    {
        try
        {
            using var answer = await Client.GetAsync(address, cancellationToken);
            if (answer.StatusCode == ready)
                return null;
            var text = await answer.Content.ReadAsStringAsync(cancellationToken);
            return $"answers {(int)answer.StatusCode}{Reasons(text)}";
        }
        catch (HttpRequestException)
        {
            return "does not listen yet";
        }
        catch (TaskCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return "does not answer";
        }
    }

    // {"checks":{"database":"...","sidecar":null}}: only what is not ready is worth reading.
    private static string Reasons(string text)
    {
        try
        {
            using var document = JsonDocument.Parse(text);
            if (!document.RootElement.TryGetProperty("checks", out var checks) || checks.ValueKind != JsonValueKind.Object)
                return "";
            var reasons = checks.EnumerateObject().Where(c => c.Value.ValueKind == JsonValueKind.String && c.Value.GetString() != "ok")
                .Select(c => $"{c.Name}: {c.Value.GetString()}").ToArray();
            return reasons.Length == 0 ? "" : $" ({string.Join("; ", reasons)})";
        }
        catch (JsonException)
        {
            return "";
        }
    }
}
