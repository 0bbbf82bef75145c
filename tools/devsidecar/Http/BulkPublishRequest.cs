using System.Text;
using System.Text.Json;
using WhatsAppMesh.DevSidecar.Api;
using WhatsAppMesh.DevSidecar.PubSub.Envelopes;
using WhatsAppMesh.DevSidecar.PubSub.Publishing;

namespace WhatsAppMesh.DevSidecar.Http;

/// <summary>Reads the body of a bulk publish, <c>[{entryId, event, contentType, metadata}]</c>, into a batch of events.</summary>
internal sealed class BulkPublishRequest(EventBatch events) : IDisposable
{
    private readonly JsonTape _tape = new();
    private readonly ByteBuffer _data = new(4096);

    /// <summary>Reads all entries.</summary>
    /// <exception cref="DaprErrorException">One of them is bad: that refuses the whole request.</exception>
    public void Read(ArraySegment<byte> body, TraceContext trace)
    {
        if (!_tape.TryRead(body))
            throw Unreadable("the body is not valid JSON");

        if (_tape[0].Kind == JsonTokenType.Null)
            return;

        if (_tape[0].Kind != JsonTokenType.StartArray)
            throw Unreadable($"json: cannot unmarshal {NameOf(_tape[0].Kind)} into Go value of type []http.bulkPublishMessageEntry");

        for (var entry = 1; entry < _tape[0].Next; entry = _tape[entry].Next)
        {
            if (_tape[entry].Kind != JsonTokenType.StartObject)
                throw Unreadable($"json: cannot unmarshal {NameOf(_tape[entry].Kind)} into Go value of type http.bulkPublishMessageEntry");

            ReadEntry(entry, trace);
        }
    }

    /// <inheritdoc />
    public void Dispose()
    {
        _tape.Dispose();
        _data.Dispose();
    }

    private void ReadEntry(int entry, TraceContext trace)
    {
        string entryId = "", contentType = "";
        var data = -1;
        var metadata = new PublishMetadata();
        for (var name = entry + 1; name < _tape[entry].Next; name = _tape[name + 1].Next)
        {
            var value = name + 1;
            if (Is(name, "entryId"u8) && !TryText(value, ref entryId))
                throw Unreadable("json: entryId must be a string");
            if (Is(name, "contentType"u8) && !TryText(value, ref contentType))
                throw Unreadable("json: contentType must be a string");
            if (Is(name, "metadata"u8) && !TryReadMetadata(value, metadata))
                throw Unreadable("json: metadata must be an object of strings");
            if (Is(name, "event"u8))
                data = value;
        }

        events.CheckEntryId(entryId);
        if (!TryReadEvent(data, contentType))
            throw Unwrappable("mismatch between contentType and event");
        if (!events.IsRaw && ContentTypes.IsCloudEvent(contentType) && (data < 0 || _tape[data].Kind != JsonTokenType.StartObject))
            throw Unwrappable("the event is not a JSON object");

        events.AddEntry(entryId, ContentOf(_data), contentType, metadata, trace, isGoJson: true);
    }

    /// <summary>Turns an event, a JSON value here, into the bytes a single publish would have carried.</summary>
    private bool TryReadEvent(int value, string contentType)
    {
        _data.Clear();
        if (ContentTypes.IsBinary(contentType) || ContentTypes.IsText(contentType))
        {
            if (value < 0 || _tape[value].Kind != JsonTokenType.String)
                return false;

            var text = GoString.Unescape(_tape.Text(value));
            return ContentTypes.IsText(contentType) ? WriteText(text) : TryWriteDecoded(text);
        }

        if (!ContentTypes.IsJson(contentType) && !ContentTypes.IsCloudEvent(contentType))
            return false;

        if (value < 0)
        {
            _data.Write("null"u8);
            return true;
        }

        // Dapr reads the whole request into Go values, so its numbers have been doubles by now.
        var json = new GoJson(_tape, NumberRule.ThroughDouble);
        json.Write(value, _data);
        return !json.HasOverflow;
    }

    private bool WriteText(byte[] text)
    {
        _data.Write(text);
        return true;
    }

    private bool TryWriteDecoded(byte[] base64)
    {
        var status = System.Buffers.Text.Base64.DecodeFromUtf8(base64, _data.Reserve(base64.Length), out _, out var written);
        _data.Advance(written);
        return status == System.Buffers.OperationStatus.Done;
    }

    private bool TryReadMetadata(int value, PublishMetadata metadata)
    {
        if (_tape[value].Kind == JsonTokenType.Null)
            return true;

        if (_tape[value].Kind != JsonTokenType.StartObject)
            return false;

        for (var name = value + 1; name < _tape[value].Next; name = _tape[name + 1].Next)
        {
            var text = "";
            if (!TryText(name + 1, ref text))
                return false;
            metadata[Encoding.UTF8.GetString(GoString.Unescape(_tape.Text(name)))] = text;
        }

        return true;
    }

    private bool TryText(int value, ref string text)
    {
        if (_tape[value].Kind == JsonTokenType.String)
            text = Encoding.UTF8.GetString(GoString.Unescape(_tape.Text(value)));
        return _tape[value].Kind is JsonTokenType.String or JsonTokenType.Null;
    }

    /// <summary>Go matches field names without case.</summary>
    private bool Is(int name, ReadOnlySpan<byte> field) => Ascii.EqualsIgnoreCase(_tape.Text(name), field);

    private DaprErrorException Unreadable(string reason) => new(ApiErrors.BadEvents(
        $"error when unmarshaling the request for topic {events.Origin.Topic} pubsub {events.Origin.PubSub}: {reason}"));

    private DaprErrorException Unwrappable(string reason) => new(ApiErrors.BadEvents(
        $"error when marshalling cloud event envelope for topic {events.Origin.Topic} pubsub {events.Origin.PubSub}: error: {reason}"));

    private static ArraySegment<byte> ContentOf(ByteBuffer buffer) =>
        System.Runtime.InteropServices.MemoryMarshal.TryGetArray(buffer.WrittenMemory, out var segment) ? segment : default;

    private static string NameOf(JsonTokenType kind) => kind switch
    {
        JsonTokenType.StartObject => "object",
        JsonTokenType.StartArray => "array",
        JsonTokenType.String => "string",
        JsonTokenType.Number => "number",
        _ => "bool",
    };
}
