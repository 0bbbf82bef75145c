using System.Text;
using WhatsAppMesh.DevSidecar.PubSub.Envelopes;
using WhatsAppMesh.DevSidecar.PubSub.Log;

namespace WhatsAppMesh.DevSidecar.PubSub.Delivering;

/// <summary>The body of a bulk delivery, put together from stored bytes; only envelopes that a double would change are encoded again.</summary>
internal sealed class BulkRequestBody(SubscriptionScope scope) : IDisposable
{
    private readonly ByteBuffer _body = new(64 * 1024);

    public ReadOnlyMemory<byte> Written => _body.WrittenMemory;

    /// <summary>The span the first event was published in; null when it has none.</summary>
    public string? FirstTrace { get; private set; }

    /// <summary>Writes the body.</summary>
    /// <returns>The entry ids, in the order of the messages.</returns>
    public string[] Write(IReadOnlyList<LeasedMessage> messages)
    {
        var entryIds = new string[messages.Count];
        _body.Write("{\"entries\":["u8);
        for (var i = 0; i < messages.Count; i++)
        {
            entryIds[i] = Guid.NewGuid().ToString();
            if (i > 0)
                _body.Write((byte)',');
            WriteEntry(entryIds[i], messages[i].Message);
        }

        var subscription = scope.Subscription;
        _body.Write("],\"id\":"u8);
        GoString.Write(Guid.NewGuid().ToString(), _body);
        _body.Write(",\"metadata\":{\"pubsubName\":"u8);
        GoString.Write(subscription.PubSubName, _body);
        _body.Write("},\"pubsubname\":"u8);
        GoString.Write(subscription.PubSubName, _body);
        _body.Write(",\"topic\":"u8);
        GoString.Write(subscription.Topic, _body);
        _body.Write(",\"type\":\"com.dapr.event.sent.bulk\"}"u8);
        if (!scope.Raw && EnvelopeFacts.TryRead(messages[0].Message.Bytes, out var first))
            FirstTrace = first.TraceParent;
        return entryIds;
    }

    public void Dispose() => _body.Dispose();

    private void WriteEntry(string entryId, TopicMessage message)
    {
        _body.Write("{\"entryId\":"u8);
        GoString.Write(entryId, _body);
        _body.Write(",\"event\":"u8);
        WriteEvent(message);
        _body.Write(",\"metadata\":"u8);
        Encode(message.Metadata ?? "{}");
        _body.Write(",\"contentType\":"u8);
        GoString.Write(scope.Raw ? ContentTypes.Binary : ContentTypes.CloudEvent, _body);
        _body.Write((byte)'}');
    }

    private void WriteEvent(TopicMessage message)
    {
        if (scope.Raw)
            GoString.Write(Convert.ToBase64String(message.Bytes), _body);
        else if (!message.Traits.HasFlag(EnvelopeTraits.RewriteInBulk))
            _body.Write(message.Bytes);
        else
            Rewrite(message.Bytes);
    }

    private void Rewrite(byte[] envelope)
    {
        using var tape = new JsonTape();
        if (tape.TryRead(envelope))
            new GoJson(tape, NumberRule.ThroughDouble).Write(0, _body);
        else
            _body.Write(envelope);
    }

    private void Encode(string json) => _body.Advance(Encoding.UTF8.GetBytes(json, _body.Reserve(Encoding.UTF8.GetMaxByteCount(json.Length))));
}
