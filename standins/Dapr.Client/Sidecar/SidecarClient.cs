using System.Text;
using System.Text.Json;

namespace Dapr.Client;

/// <summary>The client over the sidecar's HTTP API; this half holds everything but state.</summary>
internal sealed partial class SidecarClient(SidecarHttp http, JsonSerializerOptions json) : DaprClient
{
    // As often as the official client asks.
    private static readonly TimeSpan s_healthInterval = TimeSpan.FromMilliseconds(500);

    public override JsonSerializerOptions JsonSerializerOptions => json;

    public override HttpClient CreateInvokableHttpClient(string? appId = null) =>
        SidecarInvocation.CreateClient(appId, http.Endpoint.ToString(), http.ApiToken);

    public override Task<bool> CheckHealthAsync(CancellationToken cancellationToken = default) =>
        http.SucceedsAsync("/v1.0/healthz", cancellationToken);

    public override Task<bool> CheckOutboundHealthAsync(CancellationToken cancellationToken = default) =>
        http.SucceedsAsync("/v1.0/healthz/outbound", cancellationToken);

    public override async Task WaitForSidecarAsync(CancellationToken cancellationToken = default)
    {
        while (!await CheckOutboundHealthAsync(cancellationToken))
            await Task.Delay(s_healthInterval, cancellationToken);
    }

    public override Task ShutdownSidecarAsync(CancellationToken cancellationToken = default) =>
        http.SendAsync("Shutting down the sidecar", new HttpRequestMessage(HttpMethod.Post, "/v1.0/shutdown"), cancellationToken);

    public override async Task<DaprMetadata> GetMetadataAsync(CancellationToken cancellationToken = default)
    {
        const string Operation = "Reading metadata";
        var answer = await http.SendAsync(Operation, new HttpRequestMessage(HttpMethod.Get, "/v1.0/metadata"), cancellationToken);
        var metadata = Parse<MetadataAnswer>(Operation, answer.Body, JsonSerializerOptions.Web);
        return new DaprMetadata(
            metadata.Id ?? "",
            [.. (metadata.Actors ?? []).Select(actor => new DaprActorMetadata(actor.Type ?? "", actor.Count))],
            metadata.Extended ?? [],
            [.. (metadata.Components ?? []).Select(component => new DaprComponentsMetadata(
                component.Name ?? "", component.Type ?? "", component.Version ?? "", component.Capabilities ?? []))]);
    }

    public override Task SetMetadataAsync(string attributeName, string attributeValue, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(attributeName);
        var request = new HttpRequestMessage(HttpMethod.Put, $"/v1.0/metadata/{Uri.EscapeDataString(attributeName)}")
        {
            Content = new StringContent(attributeValue, Encoding.UTF8, "text/plain"),
        };
        return http.SendAsync("Setting metadata", request, cancellationToken);
    }

    public override async Task<Dictionary<string, string>> GetSecretAsync(
        string storeName,
        string key,
        IReadOnlyDictionary<string, string>? metadata = null,
        CancellationToken cancellationToken = default)
    {
        const string Operation = "Reading a secret";
        ArgumentException.ThrowIfNullOrEmpty(storeName);
        ArgumentException.ThrowIfNullOrEmpty(key);
        var path = $"/v1.0/secrets/{Uri.EscapeDataString(storeName)}/{Uri.EscapeDataString(key)}{Query(null, metadata)}";
        var answer = await http.SendAsync(Operation, new HttpRequestMessage(HttpMethod.Get, path), cancellationToken);
        return answer.Body.Length == 0 ? [] : Parse<Dictionary<string, string>>(Operation, answer.Body, JsonSerializerOptions.Web);
    }

    public override async Task<Dictionary<string, Dictionary<string, string>>> GetBulkSecretAsync(
        string storeName, IReadOnlyDictionary<string, string>? metadata = null, CancellationToken cancellationToken = default)
    {
        const string Operation = "Reading secrets";
        ArgumentException.ThrowIfNullOrEmpty(storeName);
        var path = $"/v1.0/secrets/{Uri.EscapeDataString(storeName)}/bulk{Query(null, metadata)}";
        var answer = await http.SendAsync(Operation, new HttpRequestMessage(HttpMethod.Get, path), cancellationToken);
        return answer.Body.Length == 0
            ? []
            : Parse<Dictionary<string, Dictionary<string, string>>>(Operation, answer.Body, JsonSerializerOptions.Web);
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
            http.Dispose();
    }

    private static string Query(StateOptions? options, IReadOnlyDictionary<string, string>? metadata)
    {
        IEnumerable<(string Name, string? Value)> all =
        [
            ("concurrency", StateJson.Name(options?.Concurrency)),
            ("consistency", StateJson.Name(options?.Consistency)),
            .. (metadata ?? new Dictionary<string, string>()).Select(pair => ("metadata." + pair.Key, (string?)pair.Value)),
        ];
        var given = string.Join('&', all.Where(pair => pair.Value is not null)
            .Select(pair => $"{Uri.EscapeDataString(pair.Name)}={Uri.EscapeDataString(pair.Value!)}"));
        return given.Length == 0 ? "" : "?" + given;
    }

    private static T Parse<T>(string operation, ReadOnlySpan<byte> body, JsonSerializerOptions options)
    {
        try
        {
            return JsonSerializer.Deserialize<T>(body, options)!;
        }
        catch (JsonException exception)
        {
            throw new DaprException($"{operation} failed: what the sidecar answered is not the JSON expected. See the inner exception.", exception);
        }
    }

    private sealed record MetadataAnswer(
        string? Id, List<ActorAnswer>? Actors, Dictionary<string, string>? Extended, List<ComponentAnswer>? Components);

    private sealed record ActorAnswer(string? Type, int Count);

    private sealed record ComponentAnswer(string? Name, string? Type, string? Version, string[]? Capabilities);
}
