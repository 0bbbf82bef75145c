using System.Net;
using Microsoft.AspNetCore.Http.Extensions;
using Microsoft.Net.Http.Headers;
using WhatsAppMesh.Hosting;
using Yarp.ReverseProxy.Forwarder;

namespace WhatsAppMesh.Edge.Operator;

/// <summary>
/// Forwards admitted requests to dispatch, through edge's sidecar: its mTLS and access control apply, and dispatch believes who asks because only
/// its sidecar can say so.
/// </summary>
internal sealed partial class DispatchForwarder : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly IHttpForwarder _forwarder;
    private readonly OperatorBody _body;
    private readonly ILogger<DispatchForwarder> _logger;
    private readonly string _prefix;
    private readonly string? _sidecarToken;
    private readonly ForwarderRequestConfig _config = new()
    {
        Version = HttpVersion.Version11,
        VersionPolicy = HttpVersionPolicy.RequestVersionExact,
        ActivityTimeout = Patience,
    };

    private readonly HttpMessageInvoker _client = new(new SocketsHttpHandler
    {
        UseProxy = false,
        UseCookies = false,
        AllowAutoRedirect = false,
        AutomaticDecompression = DecompressionMethods.None,
        ActivityHeadersPropagator = new TraceOnlyPropagator(),
        ConnectTimeout = TimeSpan.FromSeconds(2),
        PooledConnectionLifetime = TimeSpan.FromMinutes(2),
    });

    /// <summary>Creates the connection pool.</summary>
    public DispatchForwarder(
        IHttpForwarder forwarder, OperatorBody body, SidecarSettings sidecar, EdgeOptions options, ILogger<DispatchForwarder> logger)
    {
        (_forwarder, _body, _logger, _sidecarToken) = (forwarder, body, logger, sidecar.ApiToken);
        _prefix = $"{sidecar.HttpEndpoint.GetLeftPart(UriPartial.Authority)}/v1.0/invoke/{options.Operator.Dispatch}/method";
    }

    /// <summary>Forwards one request and passes the answer on.</summary>
    /// <param name="context">An admitted request.</param>
    /// <param name="path">The path at dispatch; <c>{id}</c> stands for the id in the public path.</param>
    /// <exception cref="OperatorRefusal">The request cannot be forwarded, or nobody there answered it.</exception>
    public Task ForwardAsync(HttpContext context, string path) => _body.HoldAsync(context, async body =>
    {
        var call = OperatorCall.Of(context);
        if (body.Length > 0 && !JsonContent.IsJson(context.Request.Headers))
            throw OperatorRefusal.Of(Refusal.NotJson);
        context.Request.Headers.Remove(HeaderNames.Upgrade);
        var original = context.Request.Body;
        await using var bytes = body.OpenRead();
        context.Request.Body = bytes;
        var request = new DispatchRequest(call, call.Tenant, PathOf(context, path), _sidecarToken, body.Length);
        var error = await _forwarder.SendAsync(context, _prefix, _client, _config, request, CancellationToken.None);
        context.Request.Body = original;
        if ((error == ForwarderError.None && request.IsForClient) || context.RequestAborted.IsCancellationRequested || context.Response.HasStarted)
            return true;
        context.Response.Clear();
        if (request.Status is StatusCodes.Status404NotFound or StatusCodes.Status405MethodNotAllowed)
            throw OperatorRefusal.NotFound("dispatch has nothing at this path");
        Log.DispatchIsAway(_logger, error, request.Status);
        throw OperatorRefusal.Unavailable("dispatch cannot be reached now; try again.");
    });

    /// <inheritdoc/>
    public void Dispose() => _client.Dispose();

    private static string PathOf(HttpContext context, string path)
    {
        if (context.Request.RouteValues["id"] is not string id)
            return path + QueryOf(context.Request.Query);

        // Nothing that a sidecar could read as another path.
        return Door.IsId(id)
            ? path.Replace("{id}", Uri.EscapeDataString(id), StringComparison.Ordinal) + QueryOf(context.Request.Query)
            : throw OperatorRefusal.NotFound("An id has 1 to 200 letters, digits, '.', '_', ':', '@', '+', '~' or '-'");
    }

    // Which tenant is meant, dispatch hears from edge alone.
    private static string QueryOf(IQueryCollection query) =>
        new QueryBuilder(query.Where(static parameter => parameter.Key != QueryReader.Tenant)).ToString();

    private static partial class Log
    {
        [LoggerMessage(1042, LogLevel.Warning, "dispatch does not answer the operator API ({Error}, status {Status})")]
        public static partial void DispatchIsAway(ILogger logger, ForwarderError error, int status);
    }
}

/// <summary>One request to dispatch: nothing of the client's headers goes along but what is named here.</summary>
internal sealed class DispatchRequest(OperatorCall call, string tenant, string pathAndQuery, string? sidecarToken, int length) : HttpTransformer
{
    private static readonly string[] ToDispatch = ["Idempotency-Key", HeaderNames.Accept, HeaderNames.IfMatch, HeaderNames.IfNoneMatch];
    private static readonly string[] ToClient = [HeaderNames.RetryAfter, HeaderNames.Location, HeaderNames.ETag, HeaderNames.CacheControl];

    /// <summary>True when the answer is dispatch's own.</summary>
    public bool IsForClient { get; private set; }

    /// <summary>Status of the answer; 0 without one.</summary>
    public int Status { get; private set; }

    public override ValueTask TransformRequestAsync(
        HttpContext httpContext, HttpRequestMessage proxyRequest, string destinationPrefix, CancellationToken cancellationToken)
    {
        proxyRequest.RequestUri = new Uri(destinationPrefix + pathAndQuery);
        var headers = proxyRequest.Headers;
        headers.TryAddWithoutValidation("mesh-tenant", tenant);
        headers.TryAddWithoutValidation("mesh-role", call.Role.ToString().ToLowerInvariant());
        headers.TryAddWithoutValidation("mesh-key", call.Key);
        if (sidecarToken is not null)
            headers.TryAddWithoutValidation(SidecarSettings.TokenHeader, sidecarToken);
        var from = httpContext.Request.Headers;
        TraceOnlyPropagator.Copy(from, proxyRequest);
        foreach (var name in ToDispatch)
        {
            if (from[name] is [{ Length: > 0 } value])
                headers.TryAddWithoutValidation(name, value);
        }

        if (proxyRequest.Content is { } content)
        {
            if (length > 0)
                content.Headers.TryAddWithoutValidation(HeaderNames.ContentType, from.ContentType.ToString());
            content.Headers.ContentLength = length;
        }

        return ValueTask.CompletedTask;
    }

    public override ValueTask<bool> TransformResponseAsync(
        HttpContext httpContext, HttpResponseMessage? proxyResponse, CancellationToken cancellationToken)
    {
        if (proxyResponse is null)
            return ValueTask.FromResult(false);
        Status = (int)proxyResponse.StatusCode;
        var type = proxyResponse.Content.Headers.NonValidated.TryGetValues(HeaderNames.ContentType, out var types) ? types.ToString() : "";
        IsForClient = IsDispatchsOwn(Status, type);
        if (!IsForClient)
            return ValueTask.FromResult(false);
        var headers = httpContext.Response.Headers;
        if (type.Length > 0)
            headers.ContentType = type;
        headers.ContentLength = proxyResponse.Content.Headers.ContentLength;
        foreach (var name in ToClient)
        {
            if (proxyResponse.Headers.NonValidated.TryGetValues(name, out var values))
                headers[name] = values.ToString();
        }

        return ValueTask.FromResult(true);
    }

    // Whatever dispatch refuses is a problem (its broker's 502 and 504 too); a sidecar's errors, and those of whatever stands between, are not.
    // A 401 is dispatch's as well, but speaks of its sidecar's token and not of the client's key.
    private static bool IsDispatchsOwn(int status, string type) => status < 300
        || (status >= 400 && status != StatusCodes.Status401Unauthorized && type.StartsWith("application/problem+json", StringComparison.OrdinalIgnoreCase));
}
