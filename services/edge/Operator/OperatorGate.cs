using System.Diagnostics.CodeAnalysis;
using Grpc.Core;
using WhatsAppMesh.Edge.Limits;
using WhatsAppMesh.Edge.Signatures;
using WhatsAppMesh.Edge.Sources;
using WhatsAppMesh.Events;
using WhatsAppMesh.Hosting;

namespace WhatsAppMesh.Edge.Operator;

/// <summary>
/// What stands in front of every route of the operator API: the address, the key, its rate, its role, its tenant, in this order. It also writes
/// every refusal, those of the services behind edge included, and counts.
/// </summary>
internal sealed partial class OperatorGate(
    CurrentCatalog current, AddressGates addresses, Minimisation minimisation, OperatorMetrics metrics, TimeProvider clock, ILogger<OperatorGate> logger)
{
    private const string Unknown = "unknown";

    /// <summary>Lets a request through to its handler, or answers it.</summary>
    public async Task AnswerAsync(HttpContext context, OperatorRoute route, RequestDelegate handler)
    {
        var started = clock.GetTimestamp();
        OperatorKey? key = null;
        var reason = "ok";
        try
        {
            CheckAddress(context);
            key = FindKey(context.Request);
            var call = Admit(context, route, key);
            context.Features.Set(call);
            await (call.Veil is { } veil ? MinimisedAnswer.WriteAsync(context, veil, handler) : handler(context));
        }
        catch (Exception exception) when (
            exception is OperationCanceledException || (context.RequestAborted.IsCancellationRequested && exception is RpcException or IOException))
        {
            reason = "client_gone";
            context.Abort();
        }
        catch (Exception exception) when (TryRefuse(exception, out var refusal))
        {
            reason = refusal.Code;
            await RefuseAsync(context, refusal);
        }
        finally
        {
            metrics.Answered(key?.Name ?? Unknown, context.Response.StatusCode, reason, clock.GetElapsedTime(started));
            if (key is not null && route.Role == OperatorRole.Operator)
                Log.Acted(logger, key.Name, context.Request.Method, TemplateOf(context), context.Response.StatusCode);
        }
    }

    private void CheckAddress(HttpContext context)
    {
        var wait = addresses.Take(AddressGates.BucketOf(context.Connection.RemoteIpAddress));
        if (wait > TimeSpan.Zero)
            throw OperatorRefusal.TooMany(wait);
        if (HttpFraming.IsAmbiguous(context.Request.Headers))
            throw OperatorRefusal.Of(Refusal.MalformedRequest);
    }

    private OperatorKey FindKey(HttpRequest request)
    {
        Span<byte> hash = stackalloc byte[ApiKeyCheck.HashSize];
        if (ApiKeyCheck.Read(request.Headers, legacy: false, hash) != SignatureVerdict.Accepted)
            throw OperatorRefusal.Unauthorized();
        return current.Catalog.Operators.Find(hash, clock.GetUtcNow()) ?? throw OperatorRefusal.Unauthorized();
    }

    private OperatorCall Admit(HttpContext context, OperatorRoute route, OperatorKey key)
    {
        var wait = key.Gate.Take(clock);
        if (wait > TimeSpan.Zero)
            throw OperatorRefusal.TooMany(wait);
        if (key.Role < route.Role)
            throw OperatorRefusal.Forbidden("This key is a viewer's; this needs the role operator");
        if (route.NeedsInstallation && !key.IsForInstallation)
            throw OperatorRefusal.Forbidden("This concerns every tenant; it needs a key for the whole installation");
        var query = new QueryReader(context.Request.Query);
        query.RefuseOthers([.. route.Query, QueryReader.Tenant]);
        return new OperatorCall(key, TenantOf(key, query), query, minimisation, context);
    }

    // The name of another tenant gets one answer, whether there is such a tenant or not.
    private static string? TenantOf(OperatorKey key, QueryReader query)
    {
        var asked = query.Text(QueryReader.Tenant);
        if (asked.Length > 0 && !CatalogValidator.IsName(asked))
            throw OperatorRefusal.Invalid(QueryReader.Tenant, "must be a letter or digit, then up to 99 letters, digits, '.', '_' or '-'");
        if (key.IsForInstallation)
            return asked.Length > 0 ? asked : null;
        if (asked.Length > 0 && asked != key.Tenant)
            throw OperatorRefusal.Forbidden("This key is for one tenant, and not for the one asked for");
        return key.Tenant;
    }

    private bool TryRefuse(Exception exception, [NotNullWhen(true)] out OperatorRefusal? refusal)
    {
        refusal = exception switch
        {
            OperatorRefusal refused => refused,
            RpcException failed => OperatorRefusal.Of(failed),
            BadHttpRequestException { StatusCode: StatusCodes.Status413PayloadTooLarge } => OperatorRefusal.Of(Refusal.BodyTooLarge),
            // A body that is read as a stream broke off, or its chunks do not add up: as the doors have it.
            BadHttpRequestException or IOException => OperatorRefusal.Of(Refusal.BodyBroken),
            _ => null,
        };
        if (exception is RpcException && refusal is { Status: >= 500 })
            Log.ServiceFailed(logger, ((RpcException)exception).StatusCode);
        return refusal is not null;
    }

    private static Task RefuseAsync(HttpContext context, OperatorRefusal refusal)
    {
        if (context.Response.HasStarted)
        {
            // Part of a stream is out: only a broken connection says that it is not whole.
            context.Abort();
            return Task.CompletedTask;
        }

        context.Response.Clear();
        if (refusal.Status == StatusCodes.Status401Unauthorized)
            context.Response.Headers.WWWAuthenticate = "Bearer";
        if (refusal.ClosesConnection)
            context.Response.Headers.Connection = "close";
        return ProblemAnswers.WriteAsync(context, refusal.Status, refusal.Code, refusal.Message, refusal.RetryAfter);
    }

    private static string TemplateOf(HttpContext context) => (context.GetEndpoint() as RouteEndpoint)?.RoutePattern.RawText ?? "";

    private static partial class Log
    {
        [LoggerMessage(1040, LogLevel.Information, "Key {Key} asked for {Method} {Route}: {Status}")]
        public static partial void Acted(ILogger logger, string key, string method, string route, int status);

        [LoggerMessage(1041, LogLevel.Warning, "A service behind the operator API failed with {Status}")]
        public static partial void ServiceFailed(ILogger logger, StatusCode status);
    }
}
