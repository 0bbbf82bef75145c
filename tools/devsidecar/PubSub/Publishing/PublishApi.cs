using WhatsAppMesh.DevSidecar.Hosting;
using WhatsAppMesh.DevSidecar.PubSub.Envelopes;

namespace WhatsAppMesh.DevSidecar.PubSub.Publishing;

/// <summary>The publish half of the HTTP API. An answer of 204 means the events are on disk.</summary>
internal static class PublishApi
{
    private static readonly string[] Verbs = ["POST", "PUT"];

    public static void MapPublishApi(this IEndpointRouteBuilder endpoints)
    {
        var api = endpoints.MapGroup("").OnPort(SidecarPort.Http);
        api.MapMethods("/v1.0/publish/bulk/{pubsub}/{**topic}", Verbs, PublishBulkAsync);
        api.MapMethods("/v1.0-alpha1/publish/bulk/{pubsub}/{**topic}", Verbs, PublishBulkAsync);
        api.MapMethods("/v1.0/publish/{pubsub}/{**topic}", Verbs, PublishAsync);
    }

    private static async Task<IResult> PublishAsync(string pubsub, string? topic, HttpContext context, PublishGate gate)
    {
        if (gate.Check(pubsub, topic) is { } refusal)
            return refusal;

        var metadata = PublishMetadata.FromQuery(context.Request.Query);
        if (!metadata.TryGetRawPayload(out var raw))
            return PubSubErrors.BadMetadata(pubsub, topic!);

        using var body = await PublishBody.ReadAsync(context.Request, gate.MaxBodySize, context.RequestAborted);
        if (body is not { Content: var data })
            return PubSubErrors.BodyTooLarge;

        var origin = gate.Origin(pubsub, topic!);
        using var envelopes = new EnvelopeWriter(gate.Time);
        var contentType = context.Request.ContentType is { Length: > 0 } given ? given : ContentTypes.Json;
        var message = raw
            ? envelopes.Raw(data, metadata)
            : envelopes.Wrap(data, contentType, metadata, origin, gate.BeginTrace(context.Request));
        if (message is null)
            return PubSubErrors.NoCloudEvent(pubsub, topic!);

        return await gate.PublishAsync(origin, [message], context.RequestAborted) ? Results.NoContent() : PubSubErrors.Failed(pubsub, topic!);
    }

    private static async Task<IResult> PublishBulkAsync(string pubsub, string? topic, HttpContext context, PublishGate gate)
    {
        if (gate.Check(pubsub, topic) is { } refusal)
            return refusal;

        var metadata = PublishMetadata.FromQuery(context.Request.Query);
        if (!metadata.TryGetRawPayload(out var raw))
            return PubSubErrors.BadMetadata(pubsub, topic!);

        using var body = await PublishBody.ReadAsync(context.Request, gate.MaxBodySize, context.RequestAborted);
        if (body is not { Content: var data })
            return PubSubErrors.BadEvents($"error when unmarshaling the request for topic {topic} pubsub {pubsub}: stream too large");

        var origin = gate.Origin(pubsub, topic!);
        using var envelopes = new EnvelopeWriter(gate.Time);
        using var request = new BulkPublishRequest(envelopes, origin, metadata, raw);
        if (request.TryRead(data, gate.BeginTrace(context.Request)) is { } problem)
            return PubSubErrors.BadEvents(problem);

        return request.Messages.Count == 0 || await gate.PublishAsync(origin, request.Messages, context.RequestAborted)
            ? Results.NoContent()
            : new BulkPublishFailure(request.EntryIds);
    }
}
