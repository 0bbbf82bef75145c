using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;
using WhatsAppMesh.Hosting;

namespace WhatsAppMesh.Ingest;

/// <summary>Hands bulk requests to this service's sidecar.</summary>
internal sealed class SidecarPublisher : IDisposable
{
    private readonly HttpClient _client;
    private readonly Uri _address;

    public SidecarPublisher(SidecarSettings sidecar, IngestOptions options)
    {
        _client = SidecarHttp.ClientOf(sidecar);
        _client.Timeout = options.PublishTimeout;
        _address = new Uri(sidecar.HttpEndpoint, $"/v1.0/publish/bulk/{Uri.EscapeDataString(options.PubSub)}/{Uri.EscapeDataString(options.Topic)}");
    }

    /// <summary>Publishes one request.</summary>
    /// <returns>Null when the sidecar took all of it; else why not.</returns>
    public async Task<PublishProblem?> PublishAsync(ReadOnlyMemory<byte> body, CancellationToken cancellationToken)
    {
        try
        {
            using var content = new ReadOnlyMemoryContent(body);
            content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
            using var answer = await _client.PostAsync(_address, content, cancellationToken);
            if (answer.IsSuccessStatusCode)
                return null;
            var reason = $"HTTP {(int)answer.StatusCode} {await ErrorCodeAsync(answer, cancellationToken)}".TrimEnd();
            return new PublishProblem(reason, $"{(int)answer.StatusCode}", IsRefusal: answer.StatusCode <= HttpStatusCode.InternalServerError);
        }
        catch (HttpRequestException exception)
        {
            return new PublishProblem($"no answer from {_address.Authority} ({exception.HttpRequestError})", FailureCode.Of(exception), IsRefusal: false);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return new PublishProblem($"no answer from {_address.Authority} within {_client.Timeout.TotalSeconds} s", FailureCode.Timeout, IsRefusal: false);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _client.Dispose();

    // Only the code: the message beside it may quote an event.
    private static async Task<string> ErrorCodeAsync(HttpResponseMessage answer, CancellationToken cancellationToken)
    {
        try
        {
            using var body = await JsonDocument.ParseAsync(await answer.Content.ReadAsStreamAsync(cancellationToken), cancellationToken: cancellationToken);
            return body.RootElement.ValueKind == JsonValueKind.Object && body.RootElement.TryGetProperty("errorCode", out var code) ? code.ToString() : "";
        }
        catch (JsonException)
        {
            return "";
        }
    }
}

/// <summary>Why a request was not published.</summary>
/// <param name="Reason">Fit for a log.</param>
/// <param name="Code">In one word, fit for a label.</param>
/// <param name="IsRefusal">True: the sidecar answered that it does not take this request. False: it is away or not ready.</param>
internal sealed record PublishProblem(string Reason, string Code, bool IsRefusal);
