using WhatsAppMesh.DevSidecar.Api;
using WhatsAppMesh.DevSidecar.Hosting;
using WhatsAppMesh.DevSidecar.PubSub.Envelopes;
using WhatsAppMesh.DevSidecar.PubSub.Publishing;

namespace WhatsAppMesh.DevSidecar.Http;

/// <summary>The publish API over HTTP. An answer of 204 means the events are on disk.</summary>
internal static class PublishApi
{
    private static readonly string[] Verbs = ["POST", "PUT"];

    public static void MapPublishApi(this IEndpointRouteBuilder endpoints)
    {
        var api = endpoints.MapGroup("").OnPort(SidecarPort.Http).AddEndpointFilter(ErrorAnswer.Filter);
        api.MapMethods("/v1.0/publish/bulk/{pubsub}/{**topic}", Verbs, PublishBulkAsync);
        api.MapMethods("/v1.0-alpha1/publish/bulk/{pubsub}/{**topic}", Verbs, PublishBulkAsync);
        api.MapMethods("/v1.0/publish/{pubsub}/{**topic}", Verbs, PublishAsync);
    }

    private static async Task<IResult> PublishAsync(string pubsub, string? topic, HttpContext context, PublishEngine publish)
    {
        var metadata = PublishMetadata.FromQuery(context.Request.Query);
        publish.Check(pubsub, Named(topic), metadata);
        using var body = await PublishBody.ReadAsync(context.Request, publish.MaxBodySize, context.RequestAborted);
        if (body is not { Content: var data })
            return new ErrorAnswer(ApiErrors.BodyTooLarge);

        var contentType = context.Request.ContentType is { Length: > 0 } given ? given : ContentTypes.Json;
        var trace = publish.BeginTrace(context.Request.Headers);
        await publish.PublishAsync(pubsub, topic!, metadata, contentType, data, trace, context.RequestAborted);
        return Results.NoContent();
    }

    private static async Task<IResult> PublishBulkAsync(string pubsub, string? topic, HttpContext context, PublishEngine publish)
    {
        using var events = publish.Begin(pubsub, Named(topic), PublishMetadata.FromQuery(context.Request.Query));
        using var body = await PublishBody.ReadAsync(context.Request, publish.MaxBodySize, context.RequestAborted);
        if (body is not { Content: var data })
            return new ErrorAnswer(ApiErrors.BadEvents($"error when unmarshaling the request for topic {topic} pubsub {pubsub}: stream too large"));

        using var request = new BulkPublishRequest(events);
        request.Read(data, publish.BeginTrace(context.Request.Headers));
        try
        {
            await publish.PublishAsync(events, context.RequestAborted);
            return Results.NoContent();
        }
        catch (DaprErrorException e) when (e.Error.ErrorCode == BulkPublishFailure.ErrorCode)
        {
            return new BulkPublishFailure(events.EntryIds);
        }
    }

    /// <summary>The topic; daprd's router takes a path without one for an invocation without an app.</summary>
    private static string Named(string? topic) => string.IsNullOrEmpty(topic) ? throw new DaprErrorException(ApiErrors.NoAppId) : topic;
}
