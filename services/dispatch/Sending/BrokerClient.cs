using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Text;
using WhatsAppMesh.Hosting;

namespace WhatsAppMesh.Dispatch.Sending;

/// <summary>Calls the broker through the sidecar, which adds the API key, retries and the circuit breaker. Never throws for what a broker does.</summary>
internal sealed class BrokerClient(
    SidecarSettings sidecar, SendingOptions options, BrokerCircuit circuit, DependencyStates dependencies, TimeProvider time) : IDisposable
{
    private const int MaxAnswerBytes = 1024 * 1024;
    private static readonly TimeSpan ReadTimeout = TimeSpan.FromSeconds(20);

    private readonly DependencyState _state = dependencies.Of("broker", "The WhatsApp broker cannot be called");
    private readonly HttpClient _client = Unlimited(SidecarHttp.ClientOf(sidecar));

    /// <summary>Sends a message.</summary>
    /// <param name="instance">The instance that sends it.</param>
    /// <param name="body">The broker's request body, JSON.</param>
    /// <param name="key">Its <c>Idempotency-Key</c>.</param>
    /// <param name="cancellationToken">Gives up: whether the message left is then unknown.</param>
    public async Task<BrokerReply> SendAsync(string instance, byte[] body, string key, CancellationToken cancellationToken)
    {
        var endpoint = options.Idempotency == BrokerIdempotency.Keyed ? options.Endpoint : options.OnceEndpoint;
        var request = Request(HttpMethod.Post, endpoint, $"/instances/{Uri.EscapeDataString(instance)}/send-text", body);
        request.Headers.TryAddWithoutValidation("Idempotency-Key", key);
        var reply = await CallAsync(request, options.CallTimeout, cancellationToken);
        circuit.Saw(BrokerAnswer.Read(reply).Verdict == BrokerVerdict.CircuitOpen);
        return reply;
    }

    /// <summary>
    /// Asks the broker about instances, by the endpoint that sends do not take: a breaker counts every refusal, and questions about an
    /// instance that does not exist must not open the one before the sends.
    /// </summary>
    /// <param name="method">GET, or POST for what may be repeated.</param>
    /// <param name="path">Path with query, escaped.</param>
    /// <param name="body">JSON; null = none.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public Task<BrokerReply> AskAsync(HttpMethod method, string path, byte[]? body, CancellationToken cancellationToken)
    {
        var endpoint = method == HttpMethod.Get && options.Idempotency == BrokerIdempotency.None ? options.Endpoint : options.OnceEndpoint;
        return CallAsync(Request(method, endpoint, path, body), ReadTimeout, cancellationToken);
    }

    /// <inheritdoc/>
    public void Dispose() => _client.Dispose();

    private async Task<BrokerReply> CallAsync(HttpRequestMessage request, TimeSpan timeout, CancellationToken cancellationToken)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        patience.CancelAfter(timeout);
        try
        {
            using (request)
            {
                using var response = await _client.SendAsync(request, patience.Token);
                // As UTF-8 whatever charset is named: a name that .NET does not know would throw.
                var body = Encoding.UTF8.GetString(await response.Content.ReadAsByteArrayAsync(patience.Token));
                Saw(response.StatusCode);
                return new BrokerReply((int)response.StatusCode, body, RetryAfter(response.Headers.RetryAfter));
            }
        }
        catch (HttpRequestException e) when (e.HttpRequestError is HttpRequestError.ConnectionError or HttpRequestError.NameResolutionError)
        {
            _state.Fails(e);
            return new BrokerReply(null, NothingLeft: true);
        }
        catch (Exception e)
        {
            if (!cancellationToken.IsCancellationRequested)
                _state.Count(e);
            // Whatever it was, the call had begun: nobody may take it for one that never left.
            return new BrokerReply(null);
        }
    }

    // What no other call would be answered differently; of the rest, the next may well succeed, and the breaker watches whether it does.
    private void Saw(HttpStatusCode status)
    {
        var code = ((int)status).ToString(CultureInfo.InvariantCulture);
        if (status is HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden or HttpStatusCode.ProxyAuthenticationRequired)
            _state.Fails(code);
        else if (status >= HttpStatusCode.InternalServerError)
            _state.Count(code);
        else
            _state.Works();
    }

    private TimeSpan? RetryAfter(RetryConditionHeaderValue? header) => header switch
    {
        { Delta: { } delta } => delta,
        { Date: { } date } => date - time.GetUtcNow(),
        _ => null,
    };

    // A body of known length is what lets the sidecar send it again.
    private static HttpRequestMessage Request(HttpMethod method, string endpoint, string path, byte[]? body)
    {
        var request = new HttpRequestMessage(method, new Uri(SidecarHttp.InvokePath(endpoint, path), UriKind.Relative));
        if (body is not null)
        {
            request.Content = new ByteArrayContent(body);
            request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json", Encoding.UTF8.WebName);
        }

        return request;
    }

    private static HttpClient Unlimited(HttpClient client)
    {
        client.Timeout = Timeout.InfiniteTimeSpan;
        client.MaxResponseContentBufferSize = MaxAnswerBytes;
        return client;
    }
}
