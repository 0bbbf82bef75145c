using WhatsAppMesh.DevSidecar.Api;
using WhatsAppMesh.DevSidecar.PubSub.Envelopes;

namespace WhatsAppMesh.DevSidecar.PubSub.Publishing;

/// <summary>The publish API without a transport. What returns without an exception is on disk.</summary>
internal sealed class PublishEngine(PublishGate gate)
{
    /// <summary>Largest request in bytes.</summary>
    public long MaxBodySize => gate.MaxBodySize;

    /// <summary>Checks what can be told before the data is read.</summary>
    /// <returns>Whether the data goes as it is, without an envelope.</returns>
    /// <exception cref="DaprErrorException">There is no such component, or a name or the metadata is bad.</exception>
    public bool Check(string pubSub, string topic, PublishMetadata metadata)
    {
        if (gate.CheckNames(pubSub, topic, metadata.Values) is { } refusal)
            throw new DaprErrorException(refusal);
        return metadata.TryGetRawPayload(out var raw)
            ? raw
            : throw new DaprErrorException(ApiErrors.BadPublishMetadata(pubSub, metadata.Find("rawPayload")!, metadata.Values));
    }

    /// <summary>The span of a publication.</summary>
    public TraceContext BeginTrace(IHeaderDictionary headers) => gate.BeginTrace(headers);

    /// <summary>Publishes one event.</summary>
    /// <exception cref="DaprErrorException">It is not published.</exception>
    public async Task PublishAsync(
        string pubSub, string topic, PublishMetadata metadata, string contentType, ArraySegment<byte> data, TraceContext trace, CancellationToken cancellationToken)
    {
        using var events = Begin(pubSub, topic, metadata);
        events.Add("", data, contentType, metadata, trace);
        await PublishAsync(events, cancellationToken);
    }

    /// <summary>Begins a publication of several events; dispose it afterwards.</summary>
    /// <exception cref="DaprErrorException">There is no such component, or a name or the metadata is bad.</exception>
    public EventBatch Begin(string pubSub, string topic, PublishMetadata metadata) =>
        new(gate.Origin(pubSub, topic), metadata, Check(pubSub, topic, metadata), gate.Time);

    /// <summary>Publishes the events of a batch, in one commit.</summary>
    /// <exception cref="DaprErrorException">None of them is published.</exception>
    public async Task PublishAsync(EventBatch events, CancellationToken cancellationToken)
    {
        var (pubSub, topic, _) = events.Origin;
        if (gate.CheckScope(pubSub, topic) is { } refusal)
            throw new DaprErrorException(refusal);
        if (events.Messages.Count > 0 && !await gate.PublishAsync(events.Origin, events.Messages, cancellationToken))
            throw new DaprErrorException(ApiErrors.PublishFailed(pubSub, topic));
    }
}
