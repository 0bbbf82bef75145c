using System.Buffers.Text;
using System.Text;
using System.Text.Json;

namespace WhatsAppMesh.DevSidecar.PubSub.Envelopes;

/// <summary>An envelope taken apart for a delivery over gRPC, as daprd takes it apart.</summary>
/// <param name="Id">Attributes that are no text count as empty.</param>
/// <param name="Source">Where it comes from.</param>
/// <param name="Type">Its type.</param>
/// <param name="SpecVersion">Version of CloudEvents.</param>
/// <param name="DataContentType">Content type of the data; decides what becomes of them.</param>
/// <param name="Data">The data; empty when their content type is neither text nor JSON and they are not in base 64.</param>
/// <param name="Extensions">All other attributes, as a JSON object.</param>
internal sealed record EventContent(string Id, string Source, string Type, string SpecVersion, string DataContentType, byte[] Data, string Extensions)
{
    private static readonly HashSet<string> Own = ["id", "source", "type", "specversion", "datacontenttype", "data", "data_base64"];

    /// <summary>Takes an envelope apart; null when a subscriber cannot be given it.</summary>
    /// <param name="envelope">A JSON object.</param>
    /// <param name="metadata">The metadata it was published with; a trace in them stands for one that the envelope lacks.</param>
    public static EventContent? TryRead(byte[] envelope, IReadOnlyDictionary<string, string> metadata)
    {
        using var tape = new JsonTape();
        if (!tape.TryRead(envelope) || tape[0].Kind != JsonTokenType.StartObject)
            return null;

        var members = new Dictionary<string, int>();
        for (var name = 1; name < tape[0].Next; name = tape[name + 1].Next)
            members[Text(tape, name)] = name + 1;
        var contentType = TextOf(tape, members, "datacontenttype");
        return DataOf(tape, members, contentType) is { } data
            ? new EventContent(
                TextOf(tape, members, "id"), TextOf(tape, members, "source"), TextOf(tape, members, "type"), TextOf(tape, members, "specversion"),
                contentType, data, ExtensionsOf(tape, members, metadata))
            : null;
    }

    private static byte[]? DataOf(JsonTape tape, Dictionary<string, int> members, string contentType)
    {
        if (members.TryGetValue("data_base64", out var packed) && tape[packed].Kind != JsonTokenType.Null)
            return tape[packed].Kind == JsonTokenType.String ? Decode(GoString.Unescape(tape.Text(packed))) : null;
        if (!members.TryGetValue("data", out var data) || tape[data].Kind == JsonTokenType.Null)
            return [];
        if (ContentTypes.IsText(contentType))
            return tape[data].Kind == JsonTokenType.String ? GoString.Unescape(tape.Text(data)) : null;
        return ContentTypes.IsJson(contentType) || ContentTypes.IsCloudEvent(contentType) ? Encoded(tape, data) : [];
    }

    private static byte[]? Decode(byte[] base64)
    {
        var decoded = new byte[Base64.GetMaxDecodedFromUtf8Length(base64.Length)];
        return Base64.DecodeFromUtf8(base64, decoded, out _, out var length) == System.Buffers.OperationStatus.Done ? decoded[..length] : null;
    }

    private static byte[] Encoded(JsonTape tape, int value)
    {
        using var output = new ByteBuffer();
        new GoJson(tape, NumberRule.ThroughDouble).Write(value, output);
        return output.Written.ToArray();
    }

    private static string ExtensionsOf(JsonTape tape, Dictionary<string, int> members, IReadOnlyDictionary<string, string> metadata)
    {
        using var output = new ByteBuffer();
        var json = new GoJson(tape, NumberRule.ThroughDouble);
        var separator = (byte)'{';
        foreach (var (name, value) in members.Where(member => !Own.Contains(member.Key)))
        {
            output.Write(separator);
            GoString.Write(name, output);
            output.Write((byte)':');
            json.Write(value, output);
            separator = (byte)',';
        }

        foreach (var name in new[] { "traceid", "tracestate" })
        {
            if (members.ContainsKey(name) || !metadata.TryGetValue(name, out var value))
                continue;
            output.Write(separator);
            GoString.Write(name, output);
            output.Write((byte)':');
            GoString.Write(value, output);
            separator = (byte)',';
        }

        if (separator == '{')
            output.Write((byte)'{');
        output.Write((byte)'}');
        return Encoding.UTF8.GetString(output.Written);
    }

    private static string TextOf(JsonTape tape, Dictionary<string, int> members, string name) =>
        members.TryGetValue(name, out var value) && tape[value].Kind == JsonTokenType.String ? Text(tape, value) : "";

    private static string Text(JsonTape tape, int index) => Encoding.UTF8.GetString(GoString.Unescape(tape.Text(index)));
}
