using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Google.Protobuf;
using Grpc.Core;
using WhatsAppMesh.DeadLetters.V1;
using WhatsAppMesh.Hosting;

namespace WhatsAppMesh.Deliveries;

/// <summary>
/// The same over plain HTTP on the app port, for <c>dapr invoke -m dead-letters/replay -d '{"ids":["..."]}'</c>: proto JSON in and out. Whoever
/// may invoke it operates the mesh, so the tenant may be left out and then means all of them.
/// </summary>
internal static class DeadLettersApi
{
    private const string InvokedBy = "dapr invoke";
    private const string NoReason = "none given";
    private const int MaxBodyBytes = 1024 * 1024;

    private static readonly JsonDocumentOptions NoTwins = new() { AllowDuplicateProperties = false };
    private static readonly JsonParser Parser = new(JsonParser.Settings.Default.WithIgnoreUnknownFields(true));
    private static readonly JsonFormatter Formatter = new(JsonFormatter.Settings.Default.WithFormatDefaultValues(true).WithPreserveProtoFieldNames(true));

    public static void Map(IEndpointRouteBuilder endpoints)
    {
        var group = endpoints.MapGroup("/dead-letters").OnAppPort().RequireSidecarToken();
        group.MapPost("/list", static (HttpContext context, DeadLetterDesk desk) =>
            AnswerAsync(context, (ListRequest request) => desk.ListAsync(request, context.RequestAborted)));
        group.MapPost("/get", static (HttpContext context, DeadLetterDesk desk) =>
            AnswerAsync(context, (GetRequest request) => desk.GetAsync(request, context.RequestAborted)));
        group.MapPost("/replay", static (HttpContext context, DeadLetterDesk desk) =>
            AnswerAsync(context, (ReplayRequest request) => desk.ReplayAsync(Completed(request), requestKey: null, context.RequestAborted)));
        group.MapPost("/discard", static (HttpContext context, DeadLetterDesk desk) =>
            AnswerAsync(context, (DiscardRequest request) => desk.DiscardAsync(Completed(request), context.RequestAborted)));
        group.MapPost("/job", static (HttpContext context, DeadLetterDesk desk) =>
            AnswerAsync(context, (GetJobRequest request) => desk.GetJobAsync(request.Tenant, request.JobId, context.RequestAborted)));
        group.MapPost("/pause", static (HttpContext context, DeadLetterDesk desk) =>
            AnswerAsync(context, (PauseJobRequest request) => desk.PauseJobAsync(request.Tenant, request.JobId, InvokedBy, context.RequestAborted)));
        group.MapPost("/resume", static (HttpContext context, DeadLetterDesk desk) =>
            AnswerAsync(context, (ResumeJobRequest request) => desk.ResumeJobAsync(request.Tenant, request.JobId, InvokedBy, context.RequestAborted)));
        group.MapPost("/cancel", static (HttpContext context, DeadLetterDesk desk) =>
            AnswerAsync(context, (CancelJobRequest request) => desk.CancelJobAsync(request.Tenant, request.JobId, InvokedBy, context.RequestAborted)));
    }

    /// <summary>
    /// Reads a request from JSON. <c>positions</c>, the replay topic's name for <c>ranges</c>, is understood too; anything else that is
    /// not part of the contract, an event's body for one, is ignored.
    /// </summary>
    /// <exception cref="JsonException">Not a JSON object, or a field has a value of a wrong kind.</exception>
    public static T Parse<T>(ReadOnlySpan<byte> json) where T : IMessage<T>, new()
    {
        if (json.IsEmpty)
            return new T();
        try
        {
            if (JsonNode.Parse(json, documentOptions: NoTwins) is not JsonObject fields)
                throw new JsonException("Expected a JSON object.");
            if (fields["ranges"] is null && fields.Remove("positions", out var positions))
                fields["ranges"] = positions;
            var empty = new T();
            EnumNames.Require(fields, empty.Descriptor);
            return Parser.Parse<T>(fields.ToJsonString());
        }
        catch (Exception exception) when (exception is InvalidProtocolBufferException or InvalidJsonException or InvalidOperationException or ArgumentException or OverflowException)
        {
            // The parsers' many ways to say no: half a surrogate pair, a number too large, a value of a wrong kind.
            throw new JsonException("Not the JSON that this method takes.", exception);
        }
    }

    private static async Task AnswerAsync<TRequest, TAnswer>(HttpContext context, Func<TRequest, Task<TAnswer>> answer)
        where TRequest : IMessage<TRequest>, new()
        where TAnswer : IMessage
    {
        try
        {
            TRequest request;
            using (var body = await DeliveryBody.ReadAsync(context.Request, MaxBodyBytes, context.RequestAborted))
                request = Parse<TRequest>(body.Bytes);
            RequestFields.Check(request);
            var text = Formatter.Format(await answer(request));
            context.Response.ContentType = "application/json";
            await context.Response.WriteAsync(text, Encoding.UTF8, context.RequestAborted);
        }
        catch (JsonException)
        {
            await ProblemAnswers.WriteAsync(context, StatusCodes.Status400BadRequest, "invalid_argument", "The body is not the JSON that this method takes.");
        }
        catch (RpcException exception)
        {
            var (status, code) = exception.StatusCode switch
            {
                StatusCode.InvalidArgument => (StatusCodes.Status400BadRequest, "invalid_argument"),
                StatusCode.NotFound => (StatusCodes.Status404NotFound, "not_found"),
                StatusCode.FailedPrecondition => (StatusCodes.Status409Conflict, "failed_precondition"),
                _ => (StatusCodes.Status503ServiceUnavailable, "unavailable"),
            };
            await ProblemAnswers.WriteAsync(context, status, code, exception.Status.Detail);
        }
        catch (BadHttpRequestException exception)
        {
            await ProblemAnswers.WriteAsync(context, exception.StatusCode, "invalid_argument", exception.Message);
        }
        catch (Exception exception) when (!context.RequestAborted.IsCancellationRequested && RequestGate.Away(exception) is { } away)
        {
            await ProblemAnswers.WriteAsync(context, StatusCodes.Status503ServiceUnavailable, "unavailable", away, TimeSpan.FromSeconds(1));
        }
    }

    private static ReplayRequest Completed(ReplayRequest request)
    {
        request.RequestedBy = request.RequestedBy.Length == 0 ? InvokedBy : request.RequestedBy;
        request.Reason = request.Reason.Length == 0 ? NoReason : request.Reason;
        return request;
    }

    private static DiscardRequest Completed(DiscardRequest request)
    {
        request.RequestedBy = request.RequestedBy.Length == 0 ? InvokedBy : request.RequestedBy;
        request.Reason = request.Reason.Length == 0 ? NoReason : request.Reason;
        return request;
    }
}
