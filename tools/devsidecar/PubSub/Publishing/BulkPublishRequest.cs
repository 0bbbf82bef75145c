using System.Text;
using System.Text.Json;
using WhatsAppMesh.DevSidecar.PubSub.Envelopes;

namespace WhatsAppMesh.DevSidecar.PubSub.Publishing;

/// <summary>Reads the body of a bulk publish, <c>[{entryId, event, contentType, metadata}]</c>, and makes a message of each entry.</summary>
internal sealed class BulkPublishRequest(EnvelopeWriter envelopes, EnvelopeOrigin origin, PublishMetadata requestMetadata, bool raw) : IDisposable
{
    private readonly JsonTape _tape = new();
    private readonly ByteBuffer _data = new(4096);

    /// <summary>Messages in the order of their entries; complete only when <see cref="TryRead"/> answered null.</summary>
    public List<TopicMessage> Messages { get; } = [];

    /// <summary>Entry ids in the same order.</summary>
    public List<string> EntryIds { get; } = [];

    /// <summary>Reads all entries; one bad entry refuses the whole request.</summary>
    /// <returns>Null, or what is wrong in the words of the error answer.</returns>
    public string? TryRead(ArraySegment<byte> body, TraceContext trace)
    {
        if (!_tape.TryRead(body))
            return Unreadable("the body is not valid JSON");

        if (_tape[0].Kind == JsonTokenType.Null)
            return null;

        if (_tape[0].Kind != JsonTokenType.StartArray)
            return Unreadable($"json: cannot unmarshal {NameOf(_tape[0].Kind)} into Go value of type []http.bulkPublishMessageEntry");

        var seen = new HashSet<string>();
        for (var entry = 1; entry < _tape[0].Next; entry = _tape[entry].Next)
        {
            if (_tape[entry].Kind != JsonTokenType.StartObject)
                return Unreadable($"json: cannot unmarshal {NameOf(_tape[entry].Kind)} into Go value of type http.bulkPublishMessageEntry");

            if (ReadEntry(entry, seen, trace) is { } problem)
                return problem;
        }

        return null;
    }

    /// <inheritdoc />
    public void Dispose()
    {
        _tape.Dispose();
        _data.Dispose();
    }

    private string? ReadEntry(int entry, HashSet<string> seen, TraceContext trace)
    {
        string entryId = "", contentType = "";
        var data = -1;
        var metadata = new PublishMetadata();
        for (var name = entry + 1; name < _tape[entry].Next; name = _tape[name + 1].Next)
        {
            var value = name + 1;
            if (Is(name, "entryId"u8) && !TryText(value, ref entryId))
                return Unreadable("json: entryId must be a string");
            if (Is(name, "contentType"u8) && !TryText(value, ref contentType))
                return Unreadable("json: contentType must be a string");
            if (Is(name, "metadata"u8) && !TryReadMetadata(value, metadata))
                return Unreadable("json: metadata must be an object of strings");
            if (Is(name, "event"u8))
                data = value;
        }

        if (entryId.Length == 0 || !seen.Add(entryId))
            return $"error marshaling events to bytes for topic {origin.Topic} pubsub {origin.PubSub}. error: entryId is duplicated or not present for entry";

        // Dapr adds the request's metadata only to entries that have some of their own.
        if (metadata.Count > 0)
            metadata.AddMissing(requestMetadata);
        if (!TryReadEvent(data, contentType))
            return Unwrappable("mismatch between contentType and event");

        var message = raw
            ? envelopes.Raw(_data.Written, metadata)
            : envelopes.Wrap(ContentOf(_data), contentType, metadata, origin, trace.Child(), isGoJson: true);
        if (message is null)
            return Unwrappable("the event is not a JSON object");

        EntryIds.Add(entryId);
        Messages.Add(message);
        return null;
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

    private string Unreadable(string reason) => $"error when unmarshaling the request for topic {origin.Topic} pubsub {origin.PubSub}: {reason}";

    private string Unwrappable(string reason) =>
        $"error when marshalling cloud event envelope for topic {origin.Topic} pubsub {origin.PubSub}: error: {reason}";

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
