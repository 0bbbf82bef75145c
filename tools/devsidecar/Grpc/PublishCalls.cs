using System.Runtime.InteropServices;
using Dapr.Client.Autogen.Grpc.v1;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using WhatsAppMesh.DevSidecar.PubSub.Envelopes;
using WhatsAppMesh.DevSidecar.PubSub.Publishing;

namespace WhatsAppMesh.DevSidecar.Grpc;

/// <summary>The publish API over gRPC. An answer means that the events are on disk.</summary>
internal sealed class PublishCalls(PublishEngine publish)
{
    private static readonly Empty Done = new();

    public async Task<Empty> PublishAsync(PublishEventRequest request, ServerCallContext context)
    {
        var metadata = PublishMetadata.From(request.Metadata);
        var trace = publish.BeginTrace(context.GetHttpContext().Request.Headers);
        if (publish.Check(request.PubsubName, request.Topic, metadata))
        {
            // Without an envelope there is no other place for them.
            metadata["traceid"] = trace.TraceParent;
            metadata["tracestate"] = trace.TraceState;
        }

        await publish.PublishAsync(
            request.PubsubName, request.Topic, metadata, request.DataContentType, Segment(request.Data), trace, context.CancellationToken);
        return Done;
    }

    public async Task<BulkPublishResponse> PublishManyAsync(BulkPublishRequest request, ServerCallContext context)
    {
        using var events = publish.Begin(request.PubsubName, request.Topic, PublishMetadata.From(request.Metadata));
        var trace = publish.BeginTrace(context.GetHttpContext().Request.Headers);
        foreach (var entry in request.Entries)
            events.AddEntry(entry.EntryId, Segment(entry.Event), entry.ContentType, PublishMetadata.From(entry.Metadata), trace);
        await publish.PublishAsync(events, context.CancellationToken);
        return new BulkPublishResponse();
    }

    private static ArraySegment<byte> Segment(ByteString data) =>
        MemoryMarshal.TryGetArray(data.Memory, out var segment) ? segment : data.ToByteArray();
}
