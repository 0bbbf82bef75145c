using System.Diagnostics;
using WhatsAppMesh.Hosting;

namespace WhatsAppMesh.Ingest;

/// <summary>
/// The doors over HTTP, for edge alone: on the HTTP port, and on the app port for requests that come through the sidecar. The answer goes
/// out after the commit, never before.
/// </summary>
internal sealed partial class EventsApi(LakeStore lake, IngestMetrics metrics, IngestOptions options, TimeProvider clock, ILogger<EventsApi> logger)
{
    private const string TenantHeader = "X-Mesh-Tenant";
    private const string SourceHeader = "X-Mesh-Source";
    private const string EventIdHeader = "X-Mesh-Event-Id";
    private const int MaxNameLength = 100;

    private static readonly Refusal KeyReused = new(
        StatusCodes.Status422UnprocessableEntity, "idempotency_key_reused", "The idempotency key was used with another stage");

    /// <summary>Maps every door. What handles them is resolved here, once: a scope per request would cost as much as reading an event.</summary>
    public static void Map(IEndpointRouteBuilder endpoints)
    {
        var api = endpoints.ServiceProvider.GetRequiredService<EventsApi>();
        var doors = endpoints.MapGroup("").RequireInternalToken(endpoints.ServiceProvider.GetRequiredService<InternalToken>());
        doors.MapPost("/v1/events", context => api.HandleAsync(context, CollectorDoor.V1));
        doors.MapPost("/v2/events", context => api.HandleAsync(context, CollectorDoor.V2));
        doors.MapPost("/triggers/{id}/events", context => api.HandleAsync(context, TriggerDoor.Instance, RouteId(context)));
        doors.MapPost("/leads/{id}/events", context => api.HandleAsync(context, LeadDoor.Instance, RouteId(context)));
        doors.MapPost("/broker/events", context => api.HandleAsync(context, BrokerDoor.Instance));
        doors.MapPost("/waha/events", context => api.HandleAsync(context, WahaDoor.Instance));
        doors.MapPost("/evolution/events", context => api.HandleAsync(context, EvolutionDoor.Instance));
        doors.MapPost("/evolution/events/{id}", context => api.HandleAsync(context, EvolutionDoor.Instance, RouteId(context)));
    }

    private static string RouteId(HttpContext context) => (string)context.Request.RouteValues["id"]!;

    private async Task HandleAsync(HttpContext context, Door door, string? routeId = null)
    {
        var receivedAt = clock.GetUtcNow();
        if (Header(context, TenantHeader) is not { Length: <= MaxNameLength } tenant
            || Header(context, SourceHeader) is not { Length: <= MaxNameLength } name || door.SourceOf(name) is not { } source)
        {
            await ProblemAnswers.WriteAsync(context, StatusCodes.Status401Unauthorized, "unauthorized", "The request names no tenant and source: only edge may send events here");
            return;
        }
        using var body = await RequestBody.ReadAsync(context.Request, options.MaxBodyBytes);
        if (body is null)
        {
            await ProblemAnswers.WriteAsync(context, StatusCodes.Status413PayloadTooLarge, "body_too_large", $"The body is larger than {options.MaxBodyBytes} bytes");
            return;
        }
        var reading = Read(context, door, tenant, source, routeId, body.Bytes, receivedAt);
        if (reading.Refusal is { } refusal)
        {
            metrics.Rejected(source);
            await RefuseAsync(context, refusal);
            return;
        }
        // The body's memory is in the batch: whatever the client does now, wait for the commit.
        if (await StoreAsync(reading.Events) is not { } stored)
            await ProblemAnswers.WriteAsync(context, StatusCodes.Status503ServiceUnavailable, "unavailable", "The event cannot be stored now: send it again", options.RetryAfter);
        else if (Array.Exists(stored, static one => one.IsReuse))
            await RefuseAsync(context, KeyReused);
        else
            await door.Answer(context.Response, reading.Events, stored);
    }

    private static DoorReading Read(
        HttpContext context, Door door, string tenant, string source, string? routeId, ReadOnlyMemory<byte> body, DateTimeOffset receivedAt)
    {
        if (FormBody.IsForm(context.Request.ContentType))
        {
            var errors = new FieldErrors();
            if (FormBody.Read(body.Span, errors) is not { } json)
                return errors.ToRefusal();
            body = json;
        }
        return door.Read(new DoorRequest(
            tenant, source, Header(context, EventIdHeader), routeId, Header(context, "Idempotency-Key"),
            JsonSanitiser.Clean(body), receivedAt, TraceParent(context))
        {
            HasOpaqueId = Header(context, "X-Mesh-Event-Id-Form") == "opaque",
            Delivery = new DeliveryNames(
                Header(context, "X-Mesh-Delivery-Id"), Header(context, "X-Mesh-Delivery-Field"),
                Header(context, "X-Mesh-Entity-Field"), Header(context, "X-Mesh-Status-Field")),
        });
    }

    private static Task RefuseAsync(HttpContext context, Refusal refusal) =>
        ProblemAnswers.WriteAsync(context, refusal.Status, refusal.Code, refusal.Error, errors: refusal.Errors);

    private async Task<StoredEvent[]?> StoreAsync(NewEvent[] events)
    {
        try
        {
            return events.Length == 0 ? [] : await lake.AppendAsync(events);
        }
        catch (LakeUnavailableException exception)
        {
            Log.NotStored(logger, events.Length, exception.Message);
            return null;
        }
    }

    // Two headers of one name are no value: which of them did edge mean?
    private static string? Header(HttpContext context, string name) =>
        context.Request.Headers.TryGetValue(name, out var values) && values.Count == 1 && !string.IsNullOrWhiteSpace(values[0]) ? values[0] : null;

    private static string? TraceParent(HttpContext context) =>
        Activity.Current is { IdFormat: ActivityIdFormat.W3C } activity ? activity.Id
        : Header(context, "traceparent") is { } sent && ActivityContext.TryParse(sent, null, out _) ? sent
        : null;

    private static partial class Log
    {
        [LoggerMessage(2000, LogLevel.Warning, "{Count} events were not stored and answered 503: {Reason}")]
        public static partial void NotStored(ILogger logger, int count, string reason);
    }
}
