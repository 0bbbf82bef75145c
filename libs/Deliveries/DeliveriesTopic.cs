using System.Diagnostics;
using System.Text.Json;
using WhatsAppMesh.GroupCommit;
using WhatsAppMesh.Hosting;

namespace WhatsAppMesh.Deliveries;

/// <summary>
/// What the sidecar delivers: events, dead letters and replay requests, in bulk or one by one. The answer goes out after the commit, and
/// says for each entry whether to acknowledge it, to try again, or to give it up.
/// </summary>
internal sealed partial class DeliveriesTopic(
    BatchProcessor processor, FailureStore failures, DeadLetterStore deadLetters, ReplayTopic replay, DeliveriesOptions options, DependencyStates dependencies,
    ILogger<DeliveriesTopic> logger)
{
    private static readonly ActivitySource Activities = new("WhatsAppMesh.Deliveries");

    private readonly DependencyState _events = dependencies.Of("events", "Events come faster than they are applied, and some are sent back");
    private readonly DependencyState _deadLetters = dependencies.Of("dead letters", "Dead letters cannot be stored, and are offered again");

    /// <summary>Maps the routes that the subscriptions name.</summary>
    public static void Map(IEndpointRouteBuilder endpoints)
    {
        var group = endpoints.MapGroup("/events").OnAppPort().RequireSidecarToken();
        group.MapPost("", static (HttpContext context, DeliveriesTopic topic) => topic.AnswerAsync(context, keepEnvelopes: false, topic.HandleAsync));
        group.MapPost("/dead", static (HttpContext context, DeliveriesTopic topic) => topic.AnswerAsync(context, keepEnvelopes: true, topic.BuryAsync));
        group.MapPost("/replay", static (HttpContext context, DeliveriesTopic topic) => topic.AnswerAsync(context, keepEnvelopes: true, topic.ReplayAsync));
    }

    private async Task AnswerAsync(HttpContext context, bool keepEnvelopes, Func<IReadOnlyList<Delivery>, CancellationToken, Task<IReadOnlyList<DeliveryStatus>>> handle)
    {
        List<Delivery> deliveries;
        bool isBulk;
        try
        {
            using var body = await DeliveryBody.ReadAsync(context.Request, options.MaxBodyBytes, context.RequestAborted);
            deliveries = CloudEventReader.Read(body.Bytes, keepEnvelopes, out isBulk);
        }
        catch (JsonException)
        {
            await ProblemAnswers.WriteAsync(context, StatusCodes.Status400BadRequest, "invalid_body", "The body is neither a CloudEvent nor a bulk of them.");
            return;
        }
        catch (BadHttpRequestException exception)
        {
            await ProblemAnswers.WriteAsync(context, exception.StatusCode, "invalid_body", exception.Message);
            return;
        }

        // An event that has been read is seen through, even when the sidecar has stopped waiting: it will come again and be known then.
        var statuses = await handle(deliveries, CancellationToken.None);
        await WriteAsync(context.Response, deliveries, statuses, isBulk);
    }

    private async Task<IReadOnlyList<DeliveryStatus>> HandleAsync(IReadOnlyList<Delivery> deliveries, CancellationToken cancellationToken)
    {
        var spans = StartSpans(deliveries);
        try
        {
            var verdicts = await processor.ProcessAsync(deliveries, cancellationToken);
            await failures.RecordAsync(deliveries, verdicts, cancellationToken);
            return [.. verdicts.Select(StatusOf)];
        }
        catch (QueueFullException)
        {
            Log.QueueFull(logger, deliveries.Count);
            _events.Count("queue_full");
            return [.. deliveries.Select(static _ => DeliveryStatus.Retry)];
        }
        catch (ObjectDisposedException)
        {
            // The process is on its way out: another replica, or the next start, takes them.
            return [.. deliveries.Select(static _ => DeliveryStatus.Retry)];
        }
        finally
        {
            spans.ForEach(static span => span.Dispose());
        }
    }

    private async Task<IReadOnlyList<DeliveryStatus>> BuryAsync(IReadOnlyList<Delivery> deliveries, CancellationToken cancellationToken)
    {
        var statuses = new DeliveryStatus[deliveries.Count];
        for (var i = 0; i < deliveries.Count; i++)
        {
            try
            {
                await deadLetters.BuryAsync(deliveries[i], known: null, cancellationToken);
                statuses[i] = DeliveryStatus.Success;
                _deadLetters.Works();
            }
            catch (Exception exception)
            {
                // Whatever it is: what cannot be stored now is better offered again than lost, and the pull has the last word.
                var failure = Failure.Of(exception, "bury");
                if (!_deadLetters.IsFailing)
                    Log.NotBuried(logger, deliveries[i].Log, deliveries[i].Position, failure.Error, failure.Message);
                _deadLetters.Fails(exception);
                statuses[i] = DeliveryStatus.Retry;
            }
        }

        return statuses;
    }

    private async Task<IReadOnlyList<DeliveryStatus>> ReplayAsync(IReadOnlyList<Delivery> deliveries, CancellationToken cancellationToken)
    {
        var statuses = new DeliveryStatus[deliveries.Count];
        for (var i = 0; i < deliveries.Count; i++)
            statuses[i] = await replay.HandleAsync(deliveries[i].Envelope, cancellationToken);
        return statuses;
    }

    private static DeliveryStatus StatusOf(Verdict verdict) =>
        verdict.Fate != Fate.Failed ? DeliveryStatus.Success : verdict.IsPoison ? DeliveryStatus.Drop : DeliveryStatus.Retry;

    private static async Task WriteAsync(HttpResponse response, List<Delivery> deliveries, IReadOnlyList<DeliveryStatus> statuses, bool isBulk)
    {
        response.ContentType = "application/json";
        await using var json = new Utf8JsonWriter(response.BodyWriter);
        json.WriteStartObject();
        if (!isBulk)
        {
            json.WriteString("status"u8, NameOf(statuses[0]));
        }
        else
        {
            json.WriteStartArray("statuses"u8);
            for (var i = 0; i < deliveries.Count; i++)
            {
                json.WriteStartObject();
                json.WriteString("entryId"u8, deliveries[i].EntryId);
                json.WriteString("status"u8, NameOf(statuses[i]));
                json.WriteEndObject();
            }

            json.WriteEndArray();
        }

        json.WriteEndObject();
    }

    private static ReadOnlySpan<byte> NameOf(DeliveryStatus status) => status switch
    {
        DeliveryStatus.Success => "SUCCESS"u8,
        DeliveryStatus.Drop => "DROP"u8,
        _ => "RETRY"u8,
    };

    /// <summary>One span per event inside the event's own trace: a bulk's request belongs to none of them.</summary>
    private static List<Activity> StartSpans(IReadOnlyList<Delivery> deliveries)
    {
        var spans = new List<Activity>();
        if (!Activities.HasListeners())
            return spans;

        var current = Activity.Current;
        foreach (var delivery in deliveries)
        {
            if (delivery.Event is { } value && ActivityContext.TryParse(delivery.TraceParent, null, isRemote: true, out var parent)
                && Activities.StartActivity("consume", ActivityKind.Consumer, parent) is { } span)
            {
                span.SetTag("mesh.log", value.Log).SetTag("mesh.position", value.Position).SetTag("mesh.type", value.Type);
                spans.Add(span);
            }
        }

        Activity.Current = current;
        return spans;
    }

    private static partial class Log
    {
        [LoggerMessage(3530, LogLevel.Warning, "{Count} deliveries were put off: the queue is full. The database is slower than the topic")]
        public static partial void QueueFull(ILogger logger, int count);

        [LoggerMessage(3531, LogLevel.Error, "The dead letter at {LogNumber}/{Position} could not be stored ({Error}) and will be offered again: {Message}")]
        public static partial void NotBuried(ILogger logger, int logNumber, long position, string error, string message);
    }
}

/// <summary>What the sidecar is told about one entry.</summary>
internal enum DeliveryStatus
{
    Success,
    Retry,
    Drop,
}
