using System.Buffers;
using System.Globalization;
using System.Text.Json;
using WhatsAppMesh.Events;
using WhatsAppMesh.Events.V1;

namespace WhatsAppMesh.Ingest;

/// <summary>
/// The body of one bulk publish, written straight as bytes with metadata per entry (which Dapr's .NET client cannot send). Its memory is
/// kept from request to request.
/// </summary>
internal sealed class PublishRequest : IDisposable
{
    private readonly ArrayBufferWriter<byte> _body = new(256 * 1024);
    private readonly ArrayBufferWriter<byte> _entry = new(16 * 1024);
    private readonly Utf8JsonWriter _writer;
    private readonly int _maxBytes;

    /// <param name="maxBytes">Longest body. An entry that alone is longer leaves its payload in the lake.</param>
    public PublishRequest(int maxBytes)
    {
        _maxBytes = maxBytes;
        _writer = new Utf8JsonWriter(_entry, CollectedEventJson.WriterOptions);
    }

    /// <summary>Entries in the body.</summary>
    public int Count { get; private set; }

    /// <summary>Position of the last entry.</summary>
    public long LastPosition { get; private set; }

    /// <summary>Adds an event unless the body would get too long; false ends the request.</summary>
    /// <param name="item">The event, without payload.</param>
    /// <param name="payload">Its payload as UTF-8; empty when it stays in the lake.</param>
    /// <param name="traceParent">Trace context of the request that brought it; null when there was none.</param>
    public bool TryAdd(CollectedEvent item, ReadOnlySpan<byte> payload, string? traceParent)
    {
        WriteEntry(item, payload, traceParent);
        if (Count == 0 && payload.Length > 0 && _entry.WrittenCount + 2 > _maxBytes)
        {
            // Too long even alone: its consumer fetches the payload.
            item.PayloadInLake = true;
            WriteEntry(item, [], traceParent);
        }
        if (Count > 0 && _body.WrittenCount + _entry.WrittenCount + 2 > _maxBytes)
            return false;
        _body.Write(Count == 0 ? "["u8 : ","u8);
        _body.Write(_entry.WrittenSpan);
        Count++;
        LastPosition = item.Position;
        return true;
    }

    /// <summary>Closes the body. Valid until <see cref="Clear"/>.</summary>
    public ReadOnlyMemory<byte> Finish()
    {
        _body.Write("]"u8);
        return _body.WrittenMemory;
    }

    /// <summary>Begins the next request.</summary>
    public void Clear()
    {
        _body.ResetWrittenCount();
        Count = 0;
    }

    /// <inheritdoc/>
    public void Dispose() => _writer.Dispose();

    private void WriteEntry(CollectedEvent item, ReadOnlySpan<byte> payload, string? traceParent)
    {
        _entry.ResetWrittenCount();
        _writer.Reset();
        _writer.WriteStartObject();
        _writer.WriteString("entryId"u8, item.Position.ToString(CultureInfo.InvariantCulture));
        _writer.WritePropertyName("event"u8);
        CollectedEventJson.Write(_writer, item, payload);
        _writer.WriteString("contentType"u8, "application/json"u8);
        _writer.WriteStartObject("metadata"u8);
        _writer.WriteString("partitionKey"u8, item.ChatJid.Length > 0 ? PublishMetadata.Encode(item.ChatJid) : item.EventId);
        _writer.WriteString("cloudevent.id"u8, $"{item.EventId}#{item.Revision}");
        _writer.WriteString("cloudevent.type"u8, $"whatsapp.{PublishMetadata.Encode(item.Type)}");
        _writer.WriteString("cloudevent.source"u8, $"{PublishMetadata.Encode(item.Tenant)}/{PublishMetadata.Encode(item.Source)}");
        if (traceParent is not null)
            _writer.WriteString("cloudevent.traceparent"u8, PublishMetadata.Encode(traceParent));
        _writer.WriteEndObject();
        _writer.WriteEndObject();
        _writer.Flush();
    }
}
