using System.Net;
using System.Text.Json;

namespace Dapr.Client;

/// <summary>Sends requests to the sidecar and turns whatever goes wrong into <see cref="DaprException"/>.</summary>
internal sealed class SidecarHttp : IDisposable
{
    private readonly HttpClient _client;

    public SidecarHttp(Uri endpoint, string? apiToken)
    {
        Endpoint = endpoint;
        ApiToken = apiToken;
        // Only the caller's token ends a call, as with the official client.
        _client = new HttpClient(new SocketsHttpHandler()) { BaseAddress = endpoint, Timeout = Timeout.InfiniteTimeSpan };
        if (apiToken is not null)
            _client.DefaultRequestHeaders.TryAddWithoutValidation(SidecarHeaders.ApiToken, apiToken);
    }

    public Uri Endpoint { get; }

    public string? ApiToken { get; }

    /// <summary>True when the sidecar answers with success; false when it does not, or cannot be reached.</summary>
    public async Task<bool> SucceedsAsync(string path, CancellationToken cancellationToken)
    {
        try
        {
            using var response = await _client.GetAsync(path, cancellationToken);
            return response.IsSuccessStatusCode;
        }
        catch (HttpRequestException)
        {
            return false;
        }
    }

    /// <summary>Sends a request and reads the whole answer.</summary>
    /// <param name="operation">What is done, for the text of exceptions.</param>
    /// <param name="request">The request; disposed of here.</param>
    /// <param name="cancellationToken">Cancels the call.</param>
    /// <param name="expected">A status other than success that the caller understands.</param>
    /// <exception cref="DaprException">The sidecar cannot be reached or answered with another failure.</exception>
    public async Task<SidecarAnswer> SendAsync(
        string operation, HttpRequestMessage request, CancellationToken cancellationToken, HttpStatusCode? expected = null)
    {
        try
        {
            using (request)
            {
                using var response = await _client.SendAsync(request, cancellationToken);
                var answer = new SidecarAnswer(
                    response.StatusCode,
                    response.Headers.NonValidated.TryGetValues("ETag", out var etag) ? etag.ToString() : "",
                    await response.Content.ReadAsByteArrayAsync(cancellationToken));
                return response.IsSuccessStatusCode || response.StatusCode == expected ? answer : throw Refused(operation, answer);
            }
        }
        catch (HttpRequestException exception)
        {
            throw new DaprException(
                $"{operation} failed: the sidecar at {Endpoint} does not answer. Check that it runs and that DAPR_HTTP_PORT is its port.", exception);
        }
    }

    public void Dispose() => _client.Dispose();

    // The sidecar's own words may name keys, so they stay out of the message, in the inner exception.
    private static DaprException Refused(string operation, SidecarAnswer answer)
    {
        var (code, message) = ReadError(answer.Body);
        return new DaprException(
            $"{operation} failed: the sidecar answered {(int)answer.Status}{(code is null ? "" : $" ({code})")}. See the inner exception.",
            new HttpRequestException(message, null, answer.Status));
    }

    private static (string? Code, string? Message) ReadError(byte[] body)
    {
        try
        {
            var error = JsonSerializer.Deserialize<SidecarError>(body, JsonSerializerOptions.Web);
            return (error?.ErrorCode, error?.Message);
        }
        catch (JsonException)
        {
            return (null, "The answer is not one of the sidecar's error documents.");
        }
    }

    private sealed record SidecarError(string? ErrorCode, string? Message);
}

/// <summary>An answer of the sidecar.</summary>
internal readonly record struct SidecarAnswer(HttpStatusCode Status, string ETag, byte[] Body);
