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

/// <summary>What a process says of itself.</summary>
/// <param name="NotReady">What is wrong; null = it is ready.</param>
/// <param name="Degraded">What fails although it is ready; null = nothing.</param>
public sealed record Health(string? NotReady, string? Degraded);

/// <summary>Asks services (<c>/readyz</c>), sidecars (<c>/v1.0/healthz</c>) and whatever else answers HTTP whether they are ready.</summary>
public static class Readiness
{
    private static readonly HttpClient Client = new() { Timeout = TimeSpan.FromSeconds(3) };

    /// <summary>Where a service is asked.</summary>
    public static Uri OfService(Uri http) => new(http, "/readyz");

    /// <summary>Where a sidecar is asked.</summary>
    public static Uri OfSidecar(Uri daprHttp) => new(daprHttp, "/v1.0/healthz");

    /// <summary>Asks a service and its sidecar once. A degraded service is ready.</summary>
    public static async Task<ReadinessReport> AskAsync(Uri http, Uri daprHttp, CancellationToken cancellationToken = default)
    {
        var app = AskAsync(OfService(http), cancellationToken);
        var sidecar = AskAsync(OfSidecar(daprHttp), cancellationToken);
        return new ReadinessReport((await app).NotReady, (await sidecar).NotReady);
    }

    /// <summary>Asks at one address; any 2xx means that it is ready.</summary>
    public static async Task<Health> AskAsync(Uri address, CancellationToken cancellationToken = default)
    {
        try
        {
            using var answer = await Client.GetAsync(address, cancellationToken);
            var text = await answer.Content.ReadAsStringAsync(cancellationToken);
            return answer.IsSuccessStatusCode
                ? new Health(null, Degraded(text))
                : new Health($"answers {(int)answer.StatusCode}{Brackets(Checks(text))}", null);
        }
        catch (HttpRequestException)
        {
            return new Health("does not listen yet", null);
        }
        catch (TaskCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return new Health("does not answer", null);
        }
    }

    private static string Brackets(string reasons) => reasons.Length == 0 ? "" : $" ({reasons})";

    // {"status":"degraded","checks":{...},"degraded":{"claims":"..."}}
    private static string? Degraded(string text)
    {
        if (Read(text) is not { } answer || Text(answer, "status") != "degraded")
            return null;
        var reasons = string.Join("; ", ((string[])[Members(answer, "degraded"), Checks(text)]).Where(static reason => reason.Length > 0));
        return reasons.Length == 0 ? "no reason is given" : reasons;
    }

    // {"checks":{"database":"...","sidecar":null}}: only what is not ready is worth reading.
    private static string Checks(string text) => Read(text) is { } answer ? Members(answer, "checks") : "";

    private static string Members(JsonElement answer, string name)
    {
        if (!answer.TryGetProperty(name, out var members) || members.ValueKind != JsonValueKind.Object)
            return "";
        var texts = members.EnumerateObject().Where(static member => member.Value.ValueKind == JsonValueKind.String && member.Value.GetString() != "ok");
        return string.Join("; ", texts.Select(static member => $"{member.Name}: {member.Value.GetString()}"));
    }

    private static string? Text(JsonElement answer, string name) =>
        answer.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;

    // The object that was answered; null when it is none: a sidecar answers nothing, and what listens at the port may be anything.
    private static JsonElement? Read(string text)
    {
        try
        {
            using var document = JsonDocument.Parse(text);
            return document.RootElement.ValueKind == JsonValueKind.Object ? document.RootElement.Clone() : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
