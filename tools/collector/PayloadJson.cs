using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace WhatsAppMesh.Collector;

/// <summary>Writes and compacts JSON the way a JavaScript program would: no white space, no needless escapes.</summary>
public static class PayloadJson
{
    private static readonly JsonWriterOptions Options = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, SkipValidation = true };

    /// <summary>Writes one JSON object.</summary>
    public static byte[] Write(Action<Utf8JsonWriter> writeProperties)
    {
        var buffer = new ArrayBufferWriter<byte>(1024);
        using (var json = new Utf8JsonWriter(buffer, Options))
        {
            json.WriteStartObject();
            writeProperties(json);
            json.WriteEndObject();
        }
        return buffer.WrittenSpan.ToArray();
    }

    /// <summary>The same JSON text without the white space between its tokens; every token stays byte for byte.</summary>
    public static byte[] Compact(ReadOnlySpan<byte> json)
    {
        var compact = new byte[json.Length];
        var length = 0;
        var inString = false;
        for (var i = 0; i < json.Length; i++)
        {
            var c = json[i];
            if (!inString && c is (byte)' ' or (byte)'\n' or (byte)'\r' or (byte)'\t')
                continue;
            compact[length++] = c;
            if (c == '"')
                inString = !inString;
            else if (c == '\\' && inString)
                compact[length++] = json[++i];
        }
        return compact[..length];
    }
}
