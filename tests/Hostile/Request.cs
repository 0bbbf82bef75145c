using System.Collections.Concurrent;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace WhatsAppMesh.Hostile;

/// <summary>A request as bytes, built line by line, so that any line can be wrong.</summary>
public sealed record Request
{
    public const string V1Path = "/api/integrations/whatsapp/events";
    public const string V2Path = "/api/webhooks/whatsapp";

    private static readonly ConcurrentBag<string> Given = [];

    /// <summary>Request line without its line end.</summary>
    public string Line { get; init; } = $"POST {V2Path} HTTP/1.1";

    /// <summary>Header lines without their line ends, in order; the host and the content type stand in <see cref="Usual"/>.</summary>
    public IReadOnlyList<string> Headers { get; init; } = [];

    /// <summary>Header lines that nearly every request has.</summary>
    public IReadOnlyList<string> Usual { get; init; } = ["Host: mesh.example", "Content-Type: application/json", "Connection: close"];

    /// <summary>Header lines that say how long the body is; null says its true length.</summary>
    public string? Framing { get; init; }

    /// <summary>What stands behind the headers.</summary>
    public byte[] Body { get; init; } = [];

    /// <summary>Every signature made so far: none of them may be logged.</summary>
    public static IReadOnlyCollection<string> Signatures => Given;

    /// <summary>A signed request of the second generation.</summary>
    public static Request V2(string body, string? id = null) => V2(Encoding.UTF8.GetBytes(body), id);

    /// <inheritdoc cref="V2(string, string?)"/>
    public static Request V2(byte[] body, string? id = null)
    {
        id ??= Guid.NewGuid().ToString();
        return new Request { Headers = ["X-Event-Id: " + id, "X-Signature: " + Sign(Senders.Secret, id + ".", body)], Body = body };
    }

    /// <summary>A signed request of the first generation.</summary>
    public static Request V1(string body) => new()
    {
        Line = $"POST {V1Path} HTTP/1.1",
        Headers = ["X-Event-Id: " + Guid.NewGuid(), "X-Signature: " + Sign(Senders.Secret, "", Encoding.UTF8.GetBytes(body))],
        Body = Encoding.UTF8.GetBytes(body),
    };

    /// <summary>A Standard Webhooks request with this age.</summary>
    public static Request Webhook(
        string body, TimeSpan age, Func<string, string>? timestamp = null, Func<string, string>? signature = null, string? id = null)
    {
        id ??= Guid.NewGuid().ToString();
        var seconds = (TimeProvider.System.GetUtcNow() - age).ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture);
        var mac = HMACSHA256.HashData(Senders.WebhookKey, Encoding.UTF8.GetBytes($"{id}.{seconds}.{body}"));
        var text = "v1," + Convert.ToBase64String(mac);
        Given.Add(text[3..]);
        return new Request
        {
            Headers =
            [
                "webhook-id: " + id, "webhook-timestamp: " + (timestamp?.Invoke(seconds) ?? seconds), "webhook-signature: " + (signature?.Invoke(text) ?? text),
            ],
            Body = Encoding.UTF8.GetBytes(body),
        };
    }

    /// <summary>A request at another door.</summary>
    public static Request At(string path, string body, params string[] headers) =>
        new() { Line = $"POST {path} HTTP/1.1", Headers = headers, Body = Encoding.UTF8.GetBytes(body) };

    /// <summary>HMAC-SHA256 in lower-case hex over a prefix and a body.</summary>
    public static string Sign(string secret, string prefix, byte[] body) =>
        Remember(Convert.ToHexStringLower(HMACSHA256.HashData(Encoding.UTF8.GetBytes(secret), Encoding.UTF8.GetBytes(prefix).Concat(body).ToArray())));

    /// <inheritdoc cref="Sign(string, string, byte[])"/>
    public static string Sign(string secret, string text) => Sign(secret, text, []);

    /// <summary>HMAC-SHA512 in lower-case hex.</summary>
    public static string Sign512(string secret, string text) =>
        Remember(Convert.ToHexStringLower(HMACSHA512.HashData(Encoding.UTF8.GetBytes(secret), Encoding.UTF8.GetBytes(text))));

    /// <summary>The same with another value of one header.</summary>
    public Request With(string header, Func<string, string> change) => this with
    {
        Headers = [.. Headers.Select(line => line.StartsWith(header + ": ", StringComparison.Ordinal) ? $"{header}: {change(line[(header.Length + 2)..])}" : line)],
    };

    /// <summary>The same without a header.</summary>
    public Request Without(string header) => this with { Headers = [.. Headers.Where(line => !line.StartsWith(header + ":", StringComparison.Ordinal))] };

    /// <summary>The same with more header lines.</summary>
    public Request And(params string[] lines) => this with { Headers = [.. Headers, .. lines] };

    /// <summary>The same with another content type; null sends none.</summary>
    public Request As(string? contentType) => this with
    {
        Usual = contentType is null ? [Usual[0], Usual[2]] : [Usual[0], "Content-Type: " + contentType, Usual[2]],
    };

    /// <summary>The value of a header.</summary>
    public string this[string header] => Headers.Single(line => line.StartsWith(header + ": ", StringComparison.Ordinal))[(header.Length + 2)..];

    /// <summary>The request as it goes out.</summary>
    public byte[] Bytes()
    {
        var framing = Framing ?? string.Create(CultureInfo.InvariantCulture, $"Content-Length: {Body.Length}");
        var head = string.Join("\r\n", new[] { Line }.Concat(Usual).Concat(Headers).Concat(framing.Length > 0 ? [framing] : [])) + "\r\n\r\n";
        return [.. Encoding.UTF8.GetBytes(head), .. Body];
    }

    private static string Remember(string signature)
    {
        Given.Add(signature);
        return signature;
    }
}
