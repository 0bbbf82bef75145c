using System.IO.Compression;
using System.Text;

namespace WhatsAppMesh.Hostile;

/// <summary>Bodies that are no event, or hardly one. All of them come with a right signature.</summary>
public static class BodyRows
{
    private const string Invalid = "invalid_body";
    private const int Levels = 20_000;

    public static IEnumerable<Row> All =>
    [
        Refused("truncated JSON", m => m.Body()[..^3]),
        Refused("no body at all", _ => ""),
        Refused("null", _ => "null"),
        Refused("a number", _ => "17"),
        Refused("a string", m => $"\"{m.Text}\""),
        Refused("an array of events", m => $"[{m.Body()}]"),
        Refused("two objects", m => m.Body() + m.Body()),
        Refused("text behind the object", m => m.Body() + " x"),
        Refused("a comment", m => "/* x */" + m.Body()),
        Refused("a trailing comma", m => m.Body()[..^1] + ",}"),
        Refused("single quotes", m => m.Body().Replace('"', '\'')),
        Refused("20,000 arrays in each other", m => m.Paying(new string('[', Levels) + new string(']', Levels))),
        Refused("20,000 objects in each other", m => m.Paying(string.Concat(Enumerable.Repeat("{\"a\":", Levels)) + "1" + new string('}', Levels))),
        Refused("20,000 arrays that never end", m => $$$"""{"payload":{"text":"{{{m.Text}}}","a":{{{new string('[', Levels)}}}"""),
        Refused("20,000 levels in an unknown field", m => m.Body()[..^1] + ",\"x\":" + new string('[', Levels) + new string(']', Levels) + "}"),
        Refused("no type", m => $$$"""{"payload":{"text":"{{{m.Text}}}"}}"""),
        Refused("no payload", _ => """{"type":"messages.upsert"}"""),
        Refused("type is null", m => m.Typed("null")),
        Refused("type is a number", m => m.Typed("1e999999")),
        Refused("type is an object", m => m.Typed("{\"a\":[]}")),
        Refused("type is empty", m => m.Typed("\"\"")),
        Refused("type of 101 characters", m => m.Typed($"\"{new string('t', 101)}\"")),
        Refused("type of a megabyte", m => m.Typed($"\"{new string('t', 1_000_000)}\"")),
        Refused("chat is a number", m => m.InChat("-0.0")),
        Refused("chat is an array", m => m.InChat("[]")),
        Refused("chat of 256 characters", m => m.InChat($"\"{new string('1', 256)}\"")),
        Refused("payload is null", m => m.Paying("null")),
        Refused("payload is a string", m => m.Paying($"\"{m.Text}\"")),
        Refused("payload is a number", m => m.Paying("1e999999")),
        Refused("type stands twice", m => m.Body()[..^1] + ",\"type\":\"other\"}"),
        Refused("type stands twice, once escaped", m => m.Body()[..^1] + ",\"\\u0074ype\":\"other\"}"),
        Refused("payload stands twice", m => m.Body()[..^1] + ",\"payload\":{}}"),
        Refused("raw control character in a string", m => m.BodyWith(0x01)),
        Refused("a number with a leading zero", m => m.Body(",\"n\":007")),
        Refused("a number that is none", m => m.Body(",\"n\":NaN")),
        Refused("an escape that is none", m => m.Body(",\"n\":\"\\x41\"")),
        Refused("UTF-16", m => Encoding.Unicode.GetBytes(m.Body())),
        Refused("gzip without saying so", m => Zipped(m.Body())),
        new("gzip that says so", m => Request.V2(Zipped(m.Body())).And("Content-Encoding: gzip"), [415], "unsupported_media_type"),
        new("first generation: a time that is none", m => Request.V1(m.BodyV1("\"yesterday\"")), [422], Invalid),
        new("first generation: time 1e999999", m => Request.V1(m.BodyV1("1e999999")), [422], Invalid),
        new("first generation: time is an object", m => Request.V1(m.BodyV1("{}")), [422], Invalid),
        new("first generation: no time", m => Request.V1(m.Body()), [422], Invalid),
        new("one byte above the cap", m => Request.V2(m.Body(",\"x\":\"" + new string('x', 4 * 1024 * 1024) + "\"")), [413], "body_too_large"),
        new("above the cap in chunks", m => TooManyChunks(m), [413], "body_too_large"),

        Stored("number 1e999999 in a payload", m => m.Body(",\"n\":1e999999"), "1e999999"),
        Stored("number of 1,000 digits", m => m.Body(",\"n\":" + new string('9', 1000)), new string('9', 1000)),
        Stored("keys that stand twice in a payload", m => m.Body(",\"a\":1,\"a\":2"), "\"a\":1,\"a\":2"),
        Stored("10,000 keys", m => m.Body(string.Concat(Enumerable.Range(0, 10_000).Select(i => $",\"k{i}\":0")))),
        Stored("escaped NUL in a string", m => m.Body(",\"n\":\"a\\u0000b\""), "\"n\":\"ab\""),
        Stored("escaped NUL in a key", m => m.Body(",\"a\\u0000b\":1"), "\"ab\":1"),
        Stored("raw NUL in a string", m => m.BodyWith((byte)'a', 0, (byte)'b'), "\"raw\":\"ab\""),
        Stored("lone high surrogate", m => m.Body(",\"n\":\"\\ud800\"")),
        Stored("lone low surrogate", m => m.Body(",\"n\":\"\\udc00x\"")),
        Stored("surrogates the wrong way round", m => m.Body(",\"n\":\"\\udc00\\ud800\"")),
        Stored("invalid UTF-8", m => m.BodyWith(0xff, 0xfe)),
        Stored("overlong UTF-8", m => m.BodyWith(0xc0, 0xaf)),
        Stored("UTF-8 cut in a character", m => m.BodyWith(0xe2, 0x82)),
        Stored("UTF-8 surrogate", m => m.BodyWith(0xed, 0xa0, 0x80)),
        Stored("NUL in the type", m => m.Typed("\"messages\\u0000.upsert\"")),
        Stored("control characters in the type", m => m.Typed("\"a\\u0001\\u001b[31m\\r\\n\\tb\"")),
        Stored("control characters in the chat", m => m.InChat("\"1\\u0001\\r\\n\\u007f@g.us\"")),
        Stored("quotes and SQL in type and chat", m => m.Typed("\"'; drop table head; --\"")),
        Stored("right-to-left marks in the type", m => m.Typed("\"\\u202e\\ufeffx\"")),
        Stored("__proto__ in a payload", m => m.Body(",\"__proto__\":{\"a\":1}"), "__proto__"),
        Stored("a type of 100 emoji", m => m.Typed("\"" + string.Concat(Enumerable.Repeat("😀", 100)) + "\"")),
        Stored("a payload of 3.9 MiB", m => m.Body(",\"x\":\"" + new string('x', 3_900_000) + "\"")),
    ];

    private static Row Refused(string name, Func<Mark, string> body) => new(name, m => Request.V2(body(m)), [422], Invalid);

    private static Row Refused(string name, Func<Mark, byte[]> body) => new(name, m => Request.V2(body(m)), [422], Invalid);

    private static Row Stored(string name, Func<Mark, string> body, string? holds = null) => new(name, m => Request.V2(body(m)), [201], null, 1) { Holds = holds };

    private static Row Stored(string name, Func<Mark, byte[]> body, string? holds = null) => new(name, m => Request.V2(body(m)), [201], null, 1) { Holds = holds };

    private static byte[] Zipped(string text)
    {
        using var zipped = new MemoryStream();
        using (var gzip = new GZipStream(zipped, CompressionLevel.Fastest))
            gzip.Write(Encoding.UTF8.GetBytes(text));
        return zipped.ToArray();
    }

    private static Request TooManyChunks(Mark mark)
    {
        var chunk = "10000\r\n" + new string('x', 0x10000) + "\r\n";
        return Request.V2(mark.Body()) with
        {
            Framing = "Transfer-Encoding: chunked",
            Body = Encoding.UTF8.GetBytes(string.Concat(Enumerable.Repeat(chunk, 70)) + "0\r\n\r\n"),
        };
    }
}
