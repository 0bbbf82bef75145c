using WhatsAppMesh.Edge.Limits;
using WhatsAppMesh.Edge.Sources;
using WhatsAppMesh.Hosting;

namespace WhatsAppMesh.Edge;

/// <summary>
/// The doors: every request that brings an event. Checks in a fixed order, cheapest and least trusting first; the first that fails answers.
/// </summary>
public sealed partial class DoorsApi(
    CurrentCatalog current,
    AddressGates addresses,
    BodyBudget budget,
    IngestForwarder ingest,
    EdgeOptions options,
    EdgeMetrics metrics,
    TimeProvider clock,
    ILogger<DoorsApi> logger)
{
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(1);

    // For doors that know nobody before a key has been found.
    private readonly Dictionary<Door, SourceRateGate> _complaints = Door.All.ToDictionary(static door => door, static _ => new SourceRateGate(Source.OnceAMinute));

    private readonly TimeSpan _bodyTimeout = TimeSpan.FromSeconds(options.Limits.BodyTimeoutSeconds);

    /// <summary>Maps every door on the HTTP port.</summary>
    public void Map(IEndpointRouteBuilder endpoints)
    {
        foreach (var door in Door.All)
            endpoints.MapPost(door.Pattern, context => AnswerAsync(context, door)).OnHttpPort();
    }

    private async Task AnswerAsync(HttpContext context, Door door)
    {
        var started = clock.GetTimestamp();
        var (source, outcome, reason) = await CheckRoomAsync(context, door);
        metrics.Answered(source?.Name ?? EdgeMetrics.Unknown, outcome, reason, clock.GetElapsedTime(started));
    }

    // Check 0: room for one more, before any work.
    private async Task<Answer> CheckRoomAsync(HttpContext context, Door door)
    {
        var bucket = AddressGates.BucketOf(context.Connection.RemoteIpAddress);
        var wait = addresses.Take(bucket);
        if (wait > TimeSpan.Zero)
            return await RefuseAsync(context, Refusal.TooManyFromAddress, retryAfter: wait);
        if (!addresses.TryEnter(bucket))
            return await RefuseAsync(context, Refusal.TooManyBodiesFromAddress, retryAfter: Soon);
        try
        {
            return await HoldBodyAsync(context, door);
        }
        finally
        {
            addresses.Leave(bucket);
        }
    }

    private async Task<Answer> HoldBodyAsync(HttpContext context, Door door)
    {
        if (!budget.TryEnter())
            return await RefuseAsync(context, Refusal.TooManyBodies, retryAfter: Soon);
        try
        {
            using var body = new PooledBody(budget, options.Limits.BodyBytes);
            return await CheckBodyAsync(context, door, body);
        }
        finally
        {
            budget.Leave();
        }
    }

    // Checks 1 and 2: a whole body that says it is JSON.
    private async Task<Answer> CheckBodyAsync(HttpContext context, Door door, PooledBody body)
    {
        if (HttpFraming.IsAmbiguous(context.Request.Headers))
            return await RefuseAsync(context, Refusal.MalformedRequest);
        var read = await BodyReader.ReadAsync(context.Request, body, options.Limits.BodyBytes, _bodyTimeout, clock);
        if (read == BodyVerdict.Aborted)
        {
            // Returning without an answer would be a 200.
            context.Abort();
            return new Answer(null, "aborted", "client_gone");
        }

        if (Refusal.Of(read) is { } unread)
            return await RefuseAsync(context, unread, retryAfter: read == BodyVerdict.OverBudget ? Soon : null);
        if (!JsonContent.IsJson(context.Request.Headers) && !(door.TakesForms && JsonContent.IsForm(context.Request.Headers)))
            return await RefuseAsync(context, Refusal.NotJson);
        return await CheckSenderAsync(context, door, body);
    }

    // Checks 3 to 6: a known sender, who proves it, within its limit.
    private async Task<Answer> CheckSenderAsync(HttpContext context, Door door, PooledBody body)
    {
        var admission = door.Admit(current.Catalog, context.Request, body.Span, clock.GetUtcNow());
        if (admission.Refusal is { } refused)
        {
            Complain(door, admission);
            return await RefuseAsync(context, refused, admission.Source);
        }

        var wait = admission.Source!.Gate.Take(clock);
        if (wait > TimeSpan.Zero)
            return await RefuseAsync(context, Refusal.TooManyFromSource, admission.Source, wait);
        return await ForwardAsync(context, door, body, admission);
    }

    private async Task<Answer> ForwardAsync(HttpContext context, Door door, PooledBody body, Admission admission)
    {
        if (door.PathAtIngest(context.Request) is not { } path)
            return await RefuseAsync(context, Refusal.InvalidLeadId, admission.Source);
        // A collector gives an event up for lost at a 400, so a header without meaning at its door must not cause one.
        if (!door.TakesIdempotencyKey)
            context.Request.Headers.Remove("Idempotency-Key");
        else if (context.Request.Headers["Idempotency-Key"].Count > 1)
            return await RefuseAsync(context, Refusal.RepeatedIdempotencyKey, admission.Source);
        if (!admission.Source!.Delivery.IsFitIn(context.Request.Headers))
            return await RefuseAsync(context, Refusal.InvalidDeliveryId, admission.Source);
        if (await ingest.ForwardAsync(context, body, path, admission) is { } failed)
            return await RefuseAsync(context, failed, admission.Source, Soon);
        if (context.RequestAborted.IsCancellationRequested)
            return new Answer(admission.Source, "aborted", "client_gone");
        return new Answer(admission.Source, OutcomeOf(context.Response.StatusCode), ReasonOf(context.Response.StatusCode));
    }

    private static string OutcomeOf(int status) => status switch
    {
        < 300 => "accepted",
        StatusCodes.Status429TooManyRequests => "limited",
        < 500 => "refused",
        _ => "failed",
    };

    private static string ReasonOf(int status) => status switch
    {
        < 300 => "ok",
        StatusCodes.Status400BadRequest => "ingest_400",
        StatusCodes.Status413PayloadTooLarge => "ingest_413",
        StatusCodes.Status422UnprocessableEntity => "ingest_422",
        StatusCodes.Status429TooManyRequests => "ingest_429",
        StatusCodes.Status503ServiceUnavailable => "ingest_503",
        _ => "ingest_other",
    };

    private static async Task<Answer> RefuseAsync(HttpContext context, Refusal refusal, Source? source = null, TimeSpan? retryAfter = null)
    {
        if (refusal.ClosesConnection)
            context.Response.Headers.Connection = "close";
        await ProblemAnswers.WriteAsync(context, refusal.Status, refusal.Code, refusal.Error, retryAfter);
        return new Answer(source, refusal.Outcome, refusal.Reason);
    }

    private void Complain(Door door, Admission admission)
    {
        if (admission.Refusal == Refusal.NoLiveSecret && (admission.Source?.Complaints ?? _complaints[door]).Take(clock) == TimeSpan.Zero)
            Log.NoLiveSecret(logger, door.Pattern, admission.Source?.Name ?? "every sender");
    }

    private readonly record struct Answer(Source? Source, string Outcome, string Reason);

    private static partial class Log
    {
        [LoggerMessage(1001, LogLevel.Error,
            "{Door}: {Source} has no secret that counts now, so its events are answered 500; add one, or see what became of its reference")]
        public static partial void NoLiveSecret(ILogger logger, string door, string source);
    }
}
