using System.Text;

namespace WhatsAppMesh.Hostile;

/// <summary>
/// Requests that break HTTP, or bend it. Those without a code are answered by Kestrel, before any code of ours: a request line or header
/// that cannot be parsed, which no network makes of a sound one (ADR 0017).
/// </summary>
public static class FramingRows
{
    private const string Smuggled = "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n";

    public static IEnumerable<Row> All =>
    [
        Chunked("chunks and a length", m => $"Transfer-Encoding: chunked\r\nContent-Length: {m.Body().Length}", m => Chunks(m.Body()) + Smuggled, [400], "malformed_request"),
        Chunked("a length and chunks", m => $"Content-Length: 4\r\nTransfer-Encoding: chunked", m => Chunks(m.Body()) + Smuggled, [400], "malformed_request"),
        Framed("two lengths", "Content-Length: 5\r\nContent-Length: 500"),
        Framed("the same length twice", "Content-Length: 5\r\nContent-Length: 5"),
        Framed("a list of lengths", "Content-Length: 5, 5"),
        Framed("a negative length", "Content-Length: -1"),
        // Kestrel takes it for 5, so five bytes are the body, and they are not what was signed.
        new("a length with a sign", m => Request.V2(m.Body()) with { Framing = "Content-Length: +5" }, [401], "invalid_signature"),
        Framed("a length in hex", "Content-Length: 0x5"),
        Framed("a length beyond all numbers", "Content-Length: 99999999999999999999"),
        Framed("a space before the colon", "Content-Length : 5"),
        Framed("chunked in disguise", "Transfer-Encoding: xchunked"),
        Framed("chunked, then something else", "Transfer-Encoding: chunked, identity"),
        Framed("a folded header", "X-Folded: a\r\n b\r\nContent-Length: 5"),
        Framed("a header without a colon", "X-Nothing\r\nContent-Length: 5"),
        Framed("NUL in a header", "X-Nul: a\0b\r\nContent-Length: 5"),
        Framed("a header without a name", ": x\r\nContent-Length: 5"),
        Framed("two hosts", "Host: other\r\nContent-Length: 5"),
        Broken("a chunk size that is no number", m => "zz\r\n" + m.Body() + "\r\n0\r\n\r\n"),
        Broken("a negative chunk", m => "-5\r\n" + m.Body() + "\r\n0\r\n\r\n"),
        Broken("a chunk beyond all numbers", m => "ffffffffffffffff\r\n" + m.Body() + "\r\n0\r\n\r\n"),
        Broken("a chunk longer than it says", m => "5\r\n" + m.Body() + "\r\n0\r\n\r\n"),
        Broken("a chunk size with 0x", m => "0x5\r\n" + m.Body() + "\r\n0\r\n\r\n"),
        Broken("bare line feeds between chunks", m => Chunks(m.Body()).Replace("\r\n", "\n", StringComparison.Ordinal)),
        Broken("a line feed in a chunk's extension", m => $"{Encoding.UTF8.GetByteCount(m.Body()):x};\n{m.Body()}\r\n0\r\n\r\n"),
        Chunked("chunks with extensions and trailers", _ => "Transfer-Encoding: chunked", m => $"{Encoding.UTF8.GetByteCount(m.Body()):x};a=\"b\"\r\n{m.Body()}\r\n0\r\nX-Mesh-Tenant: other\r\n\r\n", [201], null, 1),
        Cut("a body cut short", Sending.EndsEarly, m => Request.V2(m.Body()) with { Framing = "Content-Length: 5000" }),
        Cut("chunks cut short", Sending.EndsEarly, m => Request.V2(m.Body()) with { Framing = "Transfer-Encoding: chunked", Body = Encoding.UTF8.GetBytes("fff\r\n" + m.Body()) }),
        Cut("a body and a reset", Sending.Resets, m => Request.V2(m.Body()) with { Framing = "Content-Length: 5000" }),
        // Kestrel's own 400, when it is quicker than the end: to a sender who has no event in what it sent.
        Cut("headers cut short", Sending.EndsEarly, m => Request.V2("") with { Framing = "X-Signature" }) with { Statuses = [0, 400, 408] },
        new("a slow body", m => Request.V2(m.Body()) with { Framing = "Content-Length: 100000" }, [408], "body_timeout") { Sending = Sending.Dribbles },
        new("a body shorter than its length says, and another request", m => Request.V2(m.Body()) with { Body = Encoding.UTF8.GetBytes(m.Body()[..^5]) }, [401], "invalid_signature"),
        new("headers above 32 KiB", m => Request.V2(m.Body()).And("X-Large: " + new string('x', 40_000)), [431]),
        new("200 headers", m => Request.V2(m.Body()).And([.. Enumerable.Range(0, 200).Select(i => $"X-{i}: x")]), [431]),
        new("a request line above 8 KiB", m => Request.V2(m.Body()) with { Line = $"POST {Request.V2Path}?{new string('x', 9000)} HTTP/1.1" }, [414]),
        // RFC 9112 section 2.2 lets a server take them in the head of a request; in chunks they are refused above.
        new("bare line feeds between headers", m => Lines(m), [201], null, 1),
        new("no host", m => Request.V2(m.Body()) with { Usual = ["Content-Type: application/json", "Connection: close"] }, [400]),
        new("HTTP/2 preface on the HTTP/1 port", _ => Raw("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), [0, 400, 505]),
        new("TLS on the cleartext port", _ => Raw("\u0016\u0003\u0001\u0002\0\u0001\0\u0001\u00fc\u0003\u0003\r\n\r\n"), [0, 400]),
        new("HTTP/0.9", _ => Raw("GET /\r\n\r\n"), [0, 400]),
        new("HTTP/3.0", m => Request.V2(m.Body()) with { Line = $"POST {Request.V2Path} HTTP/3.0" }, [505]),
        new("HTTP/1.0", m => Request.V2(m.Body()) with { Line = $"POST {Request.V2Path} HTTP/1.0" }, [201], null, 1),
        new("a target with another host", m => Request.V2(m.Body()) with { Line = $"POST http://evil.example{Request.V2Path} HTTP/1.1" }, [400]),
        new("a target with the same host", m => Request.V2(m.Body()) with { Line = $"POST http://mesh.example{Request.V2Path} HTTP/1.1" }, [201], null, 1),
        new("CONNECT", m => Request.V2(m.Body()) with { Line = "CONNECT mesh.example:80 HTTP/1.1" }, [400, 404, 405]),
        new("a method that is none", m => Request.V2(m.Body()) with { Line = $"P(ST {Request.V2Path} HTTP/1.1" }, [400]),
        new("an upgrade to a web socket", m => Request.V2(m.Body()).And("Upgrade: websocket"), [201], null, 1),
    ];

    private static Row Framed(string name, string framing) => new(name, m => Request.V2(m.Body()) with { Framing = framing }, [400]);

    private static Row Chunked(string name, Func<Mark, string> framing, Func<Mark, string> body, int[] statuses, string? code, int stored = 0) =>
        new(name, m => Request.V2(m.Body()) with { Framing = framing(m), Body = Encoding.UTF8.GetBytes(body(m)) }, statuses, code, stored);

    private static Row Broken(string name, Func<Mark, string> body) => Chunked(name, _ => "Transfer-Encoding: chunked", body, [408], "incomplete_body");

    // Nobody who could be answered, or one who is asked to come again: never an answer by which an event is given up.
    private static Row Cut(string name, Sending sending, Func<Mark, Request> make) => new(name, make, [0, 408]) { Sending = sending };

    private static string Chunks(string body) => $"{Encoding.UTF8.GetByteCount(body):x}\r\n{body}\r\n0\r\n\r\n";

    private static Request Raw(string text) => new() { Line = text, Usual = [], Framing = "" };

    private static Request Lines(Mark mark)
    {
        var text = Encoding.UTF8.GetString(Request.V2(mark.Body()).Bytes()).Replace("\r\n", "\n", StringComparison.Ordinal);
        return Raw(text);
    }
}
