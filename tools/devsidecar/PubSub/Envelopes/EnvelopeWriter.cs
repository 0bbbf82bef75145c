using System.Buffers;
using System.Buffers.Text;
using System.Globalization;

namespace WhatsAppMesh.DevSidecar.PubSub.Envelopes;

/// <summary>Where and by whom an event is published.</summary>
/// <param name="PubSub">Name of the component.</param>
/// <param name="Topic">Name of the topic.</param>
/// <param name="AppId">App id of the publisher, the default source.</param>
internal sealed record EnvelopeOrigin(string PubSub, string Topic, string AppId);

/// <summary>
/// Wraps published data in a CloudEvent, byte for byte as Dapr does: attributes sorted, written once at publish and never changed after.
/// Not for use by several threads at a time.
/// </summary>
internal sealed class EnvelopeWriter(TimeProvider time) : IDisposable
{
    private const string DefaultType = "com.dapr.event.sent";
    private const string DefaultSource = "Dapr";

    private readonly ByteBuffer _output = new(4096);
    private readonly JsonTape _tape = new();

    /// <summary>The envelope of published data.</summary>
    /// <param name="data">The data; must stay unchanged during the call.</param>
    /// <param name="contentType">Its content type.</param>
    /// <param name="metadata">Metadata with overrides and time to live.</param>
    /// <param name="origin">Where it goes.</param>
    /// <param name="trace">Span of the publication.</param>
    /// <param name="isGoJson">JSON data is as Go writes it already, its numbers included.</param>
    /// <returns>The message, or null when the data should be a CloudEvent and is no JSON object.</returns>
    public TopicMessage? Wrap(
        ArraySegment<byte> data, string contentType, PublishMetadata metadata, EnvelopeOrigin origin, TraceContext trace, bool isGoJson = false)
    {
        _output.Clear();
        return ContentTypes.IsCloudEvent(contentType)
            ? WrapCloudEvent(data, metadata, origin, trace)
            : WrapData(data, contentType, metadata, origin, trace, isGoJson);
    }

    /// <summary>The message of data published raw.</summary>
    public TopicMessage Raw(ReadOnlySpan<byte> data, PublishMetadata metadata)
    {
        var bytes = data.ToArray();
        return new TopicMessage(bytes, metadata.ToJson(), TraitsOfRaw(bytes));
    }

    /// <summary>The envelope a subscriber that asks for raw payloads is given; new at each delivery, as Dapr makes it.</summary>
    public byte[] WrapRaw(ReadOnlySpan<byte> data, string pubSub, string topic)
    {
        _output.Clear();
        WriteBase64(data);
        Attribute("datacontenttype"u8, ContentTypes.Binary);
        Attribute("id"u8, Guid.NewGuid().ToString());
        Attribute("pubsubname"u8, pubSub);
        Attribute("source"u8, DefaultSource);
        Attribute("specversion"u8, "1.0");
        Attribute("topic"u8, topic);
        Attribute("type"u8, DefaultType);
        _output.Write((byte)'}');
        return _output.Written.ToArray();
    }

    /// <inheritdoc />
    public void Dispose()
    {
        _output.Dispose();
        _tape.Dispose();
    }

    private TopicMessage WrapData(
        ArraySegment<byte> data, string contentType, PublishMetadata metadata, EnvelopeOrigin origin, TraceContext trace, bool isGoJson)
    {
        var traits = WriteData(data, contentType, isGoJson);
        Attribute("datacontenttype"u8, contentType.Length > 0 ? contentType : ContentTypes.Text);
        if (Expiration(metadata) is { } expiration)
        {
            Attribute("expiration"u8, expiration);
            traits |= EnvelopeTraits.Expires;
        }

        var parent = metadata.Find("cloudevent.traceparent") ?? metadata.Find("cloudevent.traceid") ?? trace.TraceParent;
        Attribute("id"u8, metadata.Find("cloudevent.id") ?? Guid.NewGuid().ToString());
        Attribute("pubsubname"u8, origin.PubSub);
        Attribute("source"u8, metadata.Find("cloudevent.source") ?? origin.AppId);
        Attribute("specversion"u8, "1.0");
        if (metadata.Find("cloudevent.subject") is { } subject)
            Attribute("subject"u8, subject);
        Attribute("time"u8, Now());
        Attribute("topic"u8, origin.Topic);
        Attribute("traceid"u8, metadata.Find("cloudevent.traceid") ?? parent);
        Attribute("traceparent"u8, parent);
        Attribute("tracestate"u8, metadata.Find("cloudevent.tracestate") ?? trace.TraceState);
        Attribute("type"u8, metadata.Find("cloudevent.type") ?? DefaultType);
        _output.Write((byte)'}');
        return new TopicMessage(_output.Written.ToArray(), metadata.ToJson(), traits);
    }

    private EnvelopeTraits WriteData(ArraySegment<byte> data, string contentType, bool isGoJson)
    {
        if (ContentTypes.IsBinary(contentType))
        {
            WriteBase64(data);
            return EnvelopeTraits.None;
        }

        _output.Write("{\"data\":"u8);
        if (isGoJson && ContentTypes.IsJson(contentType))
        {
            _output.Write(data);
            return EnvelopeTraits.None;
        }

        if (ContentTypes.IsJson(contentType) && _tape.TryRead(data))
        {
            var json = new GoJson(_tape, NumberRule.KeepText);
            json.Write(0, _output);
            return Traits(json);
        }

        GoString.Write(data.AsSpan(), _output);
        return EnvelopeTraits.None;
    }

    /// <summary>A CloudEvent made by the publisher: kept, but for where it was published; what it lacks is added, an id excepted.</summary>
    private TopicMessage? WrapCloudEvent(ArraySegment<byte> data, PublishMetadata metadata, EnvelopeOrigin origin, TraceContext trace)
    {
        if (!_tape.TryRead(data) || _tape[0].Kind != System.Text.Json.JsonTokenType.StartObject)
            return null;

        var given = new CloudEventMembers(_tape);
        var traits = EnvelopeTraits.None;
        given.Set("topic", origin.Topic);
        given.Set("pubsubname", origin.PubSub);
        given.SetIfNull("source", DefaultSource);
        given.SetIfNull("type", DefaultType);
        given.SetIfNull("specversion", "1.0");
        given.SetIfAbsent("time", Now());
        if (!given.Has("traceid"))
        {
            // A traceparent of the publisher's own does not survive without a traceid.
            given.Set("traceid", trace.TraceParent);
            given.Set("traceparent", trace.TraceParent);
        }

        given.SetIfAbsent("tracestate", trace.TraceState);
        if (Expiration(metadata) is { } expiration)
            given.Set("expiration", expiration);
        if (given.Has("expiration"))
            traits |= EnvelopeTraits.Expires;

        var json = new GoJson(_tape, NumberRule.KeepText);
        given.Write(json, _output);
        return new TopicMessage(_output.Written.ToArray(), metadata.ToJson(), traits | Traits(json));
    }

    private EnvelopeTraits TraitsOfRaw(byte[] bytes)
    {
        if (!_tape.TryRead(bytes) || _tape[0].Kind != System.Text.Json.JsonTokenType.StartObject)
            return EnvelopeTraits.Unparsable;

        _output.Clear();
        var json = new GoJson(_tape, NumberRule.ThroughDouble);
        json.Write(0, _output);
        if (json.HasOverflow)
            return EnvelopeTraits.Unparsable;

        var expires = new CloudEventMembers(_tape).Has("expiration") ? EnvelopeTraits.Expires : EnvelopeTraits.None;
        return EnvelopeTraits.RewriteInBulk | expires;
    }

    private static EnvelopeTraits Traits(GoJson json) =>
        json.HasOverflow ? EnvelopeTraits.Unparsable
        : json.HasUnstableNumber ? EnvelopeTraits.RewriteInBulk
        : EnvelopeTraits.None;

    private void WriteBase64(ReadOnlySpan<byte> data)
    {
        _output.Write("{\"data_base64\":\""u8);
        var status = Base64.EncodeToUtf8(data, _output.Reserve(Base64.GetMaxEncodedToUtf8Length(data.Length)), out _, out var written);
        System.Diagnostics.Debug.Assert(status == OperationStatus.Done, "There is room for all of it.");
        _output.Advance(written);
        _output.Write((byte)'"');
    }

    private void Attribute(ReadOnlySpan<byte> name, string value)
    {
        _output.Write(",\""u8);
        _output.Write(name);
        _output.Write("\":"u8);
        GoString.Write(value, _output);
    }

    private string? Expiration(PublishMetadata metadata) => metadata.TimeToLive() is { } life ? Rfc3339(time.GetUtcNow() + life) : null;

    private string Now() => Rfc3339(time.GetUtcNow());

    private static string Rfc3339(DateTimeOffset moment) => moment.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture);
}
