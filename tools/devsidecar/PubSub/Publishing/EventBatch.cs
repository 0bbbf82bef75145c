using WhatsAppMesh.DevSidecar.Api;
using WhatsAppMesh.DevSidecar.PubSub.Envelopes;
using WhatsAppMesh.DevSidecar.State;

namespace WhatsAppMesh.DevSidecar.PubSub.Publishing;

/// <summary>The events of one publication, each made into a message as it is added. Not for use by several threads at a time.</summary>
internal sealed class EventBatch(EnvelopeOrigin origin, PublishMetadata requestMetadata, bool raw, TimeProvider time) : IDisposable
{
    private readonly EnvelopeWriter _envelopes = new(time);
    private readonly HashSet<string> _seen = [];

    public EnvelopeOrigin Origin => origin;

    /// <summary>The events go as they are, without envelopes.</summary>
    public bool IsRaw => raw;

    /// <summary>The messages, in the order in which they were added.</summary>
    public List<TopicMessage> Messages { get; } = [];

    /// <summary>Entry ids in the same order.</summary>
    public List<string> EntryIds { get; } = [];

    /// <summary>Adds an entry of a bulk publication.</summary>
    /// <param name="entryId">Its id: each only once.</param>
    /// <param name="data">Its data; must stay unchanged during the call.</param>
    /// <param name="contentType">Content type of the data; empty = plain text.</param>
    /// <param name="metadata">Its own metadata.</param>
    /// <param name="trace">Span of the publication.</param>
    /// <param name="isGoJson">JSON data is as Go writes it already, its numbers included.</param>
    /// <exception cref="DaprErrorException">The entry refuses the whole publication.</exception>
    public void AddEntry(string entryId, ArraySegment<byte> data, string contentType, PublishMetadata metadata, TraceContext trace, bool isGoJson = false)
    {
        CheckEntryId(entryId);
        // Dapr adds the request's metadata only to entries that have some of their own.
        if (metadata.Count > 0)
            metadata.AddMissing(requestMetadata);
        Add(entryId, data, contentType, metadata, trace.Child(), isGoJson);
    }

    /// <exception cref="DaprErrorException">The id is missing, or another entry has it.</exception>
    public void CheckEntryId(string entryId)
    {
        if (entryId.Length == 0 || _seen.Contains(entryId))
            throw new DaprErrorException(ApiErrors.BadEntryId(origin.PubSub, origin.Topic, origin.AppId));
    }

    /// <summary>Adds an event.</summary>
    /// <exception cref="DaprErrorException">It says that it is a CloudEvent, and is none.</exception>
    public void Add(string entryId, ArraySegment<byte> data, string contentType, PublishMetadata metadata, TraceContext trace, bool isGoJson = false)
    {
        var message = raw
            ? _envelopes.Raw(data, metadata)
            : _envelopes.Wrap(data, contentType, metadata, origin, trace, isGoJson);
        _seen.Add(entryId);
        EntryIds.Add(entryId);
        Messages.Add(message ?? throw new DaprErrorException(ApiErrors.NoCloudEvent(origin.PubSub, origin.AppId, WhyNoCloudEvent(data))));
    }

    public void Dispose() => _envelopes.Dispose();

    private static string WhyNoCloudEvent(ReadOnlySpan<byte> data) =>
        GoJsonSyntax.Check(data) ?? $"json: cannot unmarshal {GoKindOf(data)} into Go value of type map[string]interface {{}}";

    /// <summary>How Go calls the JSON value that begins there.</summary>
    private static string GoKindOf(ReadOnlySpan<byte> json) => json.TrimStart(" \t\r\n"u8)[0] switch
    {
        (byte)'[' => "array",
        (byte)'"' => "string",
        (byte)'t' or (byte)'f' => "bool",
        _ => "number",
    };
}
