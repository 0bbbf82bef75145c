using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using System.Text.Unicode;
using WhatsAppMesh.DevSidecar.PubSub.Envelopes;

namespace WhatsAppMesh.DevSidecar.State;

/// <summary>Reads request bodies, and encodes values again as daprd does: sorted keys, escaped HTML, numbers through a double.</summary>
internal static class StateJson
{
    /// <summary>Parses a document; bytes that are not UTF-8 become U+FFFD.</summary>
    /// <exception cref="JsonException">It is not JSON.</exception>
    public static JsonDocument Parse(ReadOnlyMemory<byte> utf8) => JsonDocument.Parse(
        Utf8.IsValid(utf8.Span) ? utf8 : Encoding.UTF8.GetBytes(Encoding.UTF8.GetString(utf8.Span)),
        new JsonDocumentOptions { MaxDepth = JsonTape.MaxDepth });

    /// <summary>The value, re-encoded.</summary>
    /// <exception cref="JsonException">A number is too large for a double.</exception>
    public static byte[] Encode(JsonElement value)
    {
        using var tape = new JsonTape();
        using var output = new ByteBuffer();
        tape.TryRead(JsonMarshal.GetRawUtf8Value(value).ToArray());
        var json = new GoJson(tape, NumberRule.ThroughDouble);
        json.Write(0, output);
        return json.HasOverflow ? throw new JsonException("a number is too large for a double") : output.Written.ToArray();
    }

    /// <summary>The text of a string value; a lone surrogate in it becomes U+FFFD.</summary>
    public static string ReadString(JsonElement text) => Encoding.UTF8.GetString(GoString.Unescape(JsonMarshal.GetRawUtf8Value(text)[1..^1]));
}
