using System.Net;
using System.Net.Http.Headers;
using System.Text;
using Microsoft.Net.Http.Headers;
using WhatsAppMesh.Edge.Limits;
using WhatsAppMesh.Edge.Sources;
using WhatsAppMesh.Hosting;
using Yarp.ReverseProxy.Forwarder;

namespace WhatsAppMesh.Edge;

/// <summary>Sends an admitted request to ingest and passes the answer on.</summary>
public sealed partial class IngestForwarder : IDisposable
{
    private readonly IHttpForwarder _forwarder;
    private readonly IngestRoute _route;
    private readonly HttpMessageInvoker _client;
    private readonly ForwarderRequestConfig _config;
    private readonly ILogger<IngestForwarder> _logger;
    private int _down;

    /// <summary>Creates the connection pool.</summary>
    public IngestForwarder(IHttpForwarder forwarder, EdgeOptions options, SidecarSettings sidecar, ILogger<IngestForwarder> logger)
    {
        _forwarder = forwarder;
        _logger = logger;
        _route = IngestRoute.From(options, sidecar);
        _config = new ForwarderRequestConfig
        {
            Version = HttpVersion.Version11,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            ActivityTimeout = TimeSpan.FromSeconds(options.Ingest.TimeoutSeconds),
        };
        _client = new HttpMessageInvoker(new SocketsHttpHandler
        {
            UseProxy = false,
            ActivityHeadersPropagator = new TraceOnlyPropagator(),
            UseCookies = false,
            AllowAutoRedirect = false,
            AutomaticDecompression = DecompressionMethods.None,
            ConnectTimeout = TimeSpan.FromSeconds(options.Ingest.ConnectTimeoutSeconds),
            MaxConnectionsPerServer = options.Ingest.MaxConnections,

            // A name that points to other replicas by now is looked up again.
            PooledConnectionLifetime = TimeSpan.FromMinutes(2),

            // An event id that is no ASCII must reach ingest as it came, to be refused there for what it is.
            RequestHeaderEncodingSelector = static (_, _) => Encoding.UTF8,
        });
    }

    /// <summary>Forwards one request.</summary>
    /// <param name="context">The request; its answer is written when this returns, unless a refusal is given back.</param>
    /// <param name="body">The body that was checked: exactly these bytes are sent. The caller keeps it until this has returned.</param>
    /// <param name="path">ingest's path.</param>
    /// <param name="admission">Who sends it.</param>
    /// <returns>Null when ingest's answer went through, else the answer to give instead.</returns>
    public async Task<Refusal?> ForwardAsync(HttpContext context, PooledBody body, string path, Admission admission)
    {
        // YARP would turn an upgrade request into a GET: here every request is a POST.
        context.Request.Headers.Remove(HeaderNames.Upgrade);
        var original = context.Request.Body;
        await using var bytes = body.OpenRead();
        context.Request.Body = bytes;
        var request = new IngestRequest(_route, path, admission, body.Length);
        var error = await _forwarder.SendAsync(context, _route.Prefix, _client, _config, request, CancellationToken.None);
        context.Request.Body = original;
        if (error == ForwarderError.None && request.IsForClient)
        {
            if (Interlocked.Exchange(ref _down, 0) == 1)
                Log.IngestIsBack(_logger);
            return null;
        }

        // An answer that broke off has been cut short by YARP, so that the client cannot take it for a whole one.
        if (context.RequestAborted.IsCancellationRequested || context.Response.HasStarted)
            return null;
        if (Interlocked.Exchange(ref _down, 1) == 0)
            Log.IngestIsAway(_logger, _route.Prefix, error, request.Status);
        context.Response.Clear();
        return Refusal.Unavailable;
    }

    /// <inheritdoc/>
    public void Dispose() => _client.Dispose();

    private static partial class Log
    {
        [LoggerMessage(1020, LogLevel.Warning,
            "ingest at {Address} does not take events now ({Error}, status {Status}); clients are told to come back")]
        public static partial void IngestIsAway(ILogger logger, string address, ForwarderError error, int status);

        [LoggerMessage(1021, LogLevel.Information, "ingest takes events again")]
        public static partial void IngestIsBack(ILogger logger);
    }
}

/// <summary>The way to ingest.</summary>
/// <param name="Prefix">Where requests go.</param>
/// <param name="InternalToken">What ingest demands.</param>
/// <param name="AppId">ingest's app id when the way leads through edge's sidecar; null when it is direct.</param>
/// <param name="SidecarToken">What the sidecar demands; null when nothing.</param>
internal sealed record IngestRoute(string Prefix, string InternalToken, string? AppId, string? SidecarToken)
{
    public static IngestRoute From(EdgeOptions options, SidecarSettings sidecar) => options.Ingest.ThroughSidecar
        ? new IngestRoute(sidecar.HttpEndpoint.GetLeftPart(UriPartial.Authority), options.InternalToken, options.Ingest.AppId, sidecar.ApiToken)
        : new IngestRoute(new Uri(options.Ingest.Address).GetLeftPart(UriPartial.Authority), options.InternalToken, null, null);
}

/// <summary>One request to ingest: nothing of the client's headers goes along but what is named here.</summary>
internal sealed class IngestRequest(IngestRoute route, string path, Admission admission, int length) : HttpTransformer
{
    /// <summary>True when the answer is one for the client; false when it only says that something between edge and ingest is wrong.</summary>
    public bool IsForClient { get; private set; }

    /// <summary>ingest's status; 0 without an answer.</summary>
    public int Status { get; private set; }

    public override ValueTask TransformRequestAsync(
        HttpContext httpContext, HttpRequestMessage proxyRequest, string destinationPrefix, CancellationToken cancellationToken)
    {
        proxyRequest.RequestUri = new Uri(destinationPrefix + path);
        var headers = proxyRequest.Headers;
        headers.TryAddWithoutValidation("X-Mesh-Token", route.InternalToken);
        headers.TryAddWithoutValidation("X-Mesh-Tenant", admission.Source!.Tenant);
        headers.TryAddWithoutValidation("X-Mesh-Source", admission.Source.Name);
        if (admission.EventId.Length > 0)
            headers.TryAddWithoutValidation("X-Mesh-Event-Id", admission.EventId);
        if (admission.IsOpaqueId)
            headers.TryAddWithoutValidation("X-Mesh-Event-Id-Form", "opaque");
        AddDelivery(headers, admission.Source.Delivery, httpContext.Request.Headers);
        if (route.AppId is not null)
            headers.TryAddWithoutValidation("dapr-app-id", route.AppId);
        if (route.SidecarToken is not null)
            headers.TryAddWithoutValidation(SidecarSettings.TokenHeader, route.SidecarToken);
        CopyFromClient(httpContext.Request.Headers, proxyRequest);
        return ValueTask.CompletedTask;
    }

    public override ValueTask<bool> TransformResponseAsync(
        HttpContext httpContext, HttpResponseMessage? proxyResponse, CancellationToken cancellationToken)
    {
        if (proxyResponse is null)
            return ValueTask.FromResult(false);
        Status = (int)proxyResponse.StatusCode;
        IsForClient = IsIngestsOwn(Status);
        if (!IsForClient)
            return ValueTask.FromResult(false);
        var headers = httpContext.Response.Headers;
        if (proxyResponse.Content.Headers.NonValidated.TryGetValues(HeaderNames.ContentType, out var type))
            headers.ContentType = type.ToString();
        headers.ContentLength = proxyResponse.Content.Headers.ContentLength;
        if (proxyResponse.Headers.NonValidated.TryGetValues(HeaderNames.RetryAfter, out var retryAfter))
            headers.RetryAfter = retryAfter.ToString();
        return ValueTask.FromResult(true);
    }

    // The names are configuration; the id is the client's word, and goes under a name that no client's header can take.
    private static void AddDelivery(HttpRequestHeaders to, DeliveryNames names, IHeaderDictionary from)
    {
        if (names.Header is { } header && from[header] is [{ Length: > 0 } id])
            to.TryAddWithoutValidation("X-Mesh-Delivery-Id", id);
        if (names.Field is { } field)
            to.TryAddWithoutValidation("X-Mesh-Delivery-Field", field);
        if (names.EntityField is { } entity)
            to.TryAddWithoutValidation("X-Mesh-Entity-Field", entity);
        if (names.StatusField is { } status)
            to.TryAddWithoutValidation("X-Mesh-Status-Field", status);
    }

    private void CopyFromClient(IHeaderDictionary from, HttpRequestMessage to)
    {
        TraceOnlyPropagator.Copy(from, to);
        if (from["Idempotency-Key"] is [{ Length: > 0 } key])
            to.Headers.TryAddWithoutValidation("Idempotency-Key", key);
        if (to.Content is null)
            return;
        to.Content.Headers.TryAddWithoutValidation(HeaderNames.ContentType, from.ContentType.ToString());
        to.Content.Headers.ContentLength = length;
    }

    // ingest gives its clients no 401 or 403: those speak of edge's token. 502 and 504 come from something in between, and so does the
    // 500 of a sidecar that could not reach ingest; none of them may reach a collector as an answer to its event.
    private bool IsIngestsOwn(int status) =>
        status is not (401 or 403 or 407 or 502 or 504) && (route.AppId is null || status is not (404 or 500)) && status is < 300 or >= 400;
}
