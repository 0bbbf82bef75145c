using System.Globalization;
using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Text;

namespace WhatsAppMesh.Edge.Tests.Driving;

/// <summary>Builds requests the way collectors and other senders do, written apart from edge's own code.</summary>
public static class Signing
{
    public const string Secret = "test-secret";

    public const string EventId = "377a14be-f301-532d-8efb-adfe5b0fcfd5";

    public const string V1 = "/api/integrations/whatsapp/events";

    public const string V2 = "/api/webhooks/whatsapp";

    public const string Body = """{"type":"messages.upsert","chat_jid":"120363000000000001@g.us","payload":{"text":"Olá"}}""";

    public static string Hmac(string secret, string text) => Hmac(Encoding.UTF8.GetBytes(secret), Encoding.UTF8.GetBytes(text));

    public static string Hmac(byte[] key, byte[] bytes) => Convert.ToHexStringLower(HMACSHA256.HashData(key, bytes));

    public static string Hmac512(string secret, string text) =>
        Convert.ToHexStringLower(HMACSHA512.HashData(Encoding.UTF8.GetBytes(secret), Encoding.UTF8.GetBytes(text)));

    public static HttpRequestMessage Post(string path, string body = Body, string contentType = "application/json")
    {
        var content = new ByteArrayContent(Encoding.UTF8.GetBytes(body));
        content.Headers.ContentType = MediaTypeHeaderValue.Parse(contentType);
        return new HttpRequestMessage(HttpMethod.Post, path) { Content = content };
    }

    /// <summary>A request of the second generation.</summary>
    public static HttpRequestMessage SignedV2(string body = Body, string secret = Secret, string eventId = EventId, string path = V2) =>
        Post(path, body).With("X-Event-Id", eventId).With("X-Signature", Hmac(secret, $"{eventId}.{body}"));

    /// <summary>A request of the first generation.</summary>
    public static HttpRequestMessage SignedV1(string body = Body, string secret = Secret, string eventId = EventId, string path = V1) =>
        Post(path, body).With("X-Event-Id", eventId).With("X-Signature", Hmac(secret, body));

    /// <summary>A Standard Webhooks request.</summary>
    public static HttpRequestMessage SignedWebhook(byte[] key, DateTimeOffset time, string body = Body, string id = EventId, string path = V2) =>
        Post(path, body)
            .With("webhook-id", id)
            .With("webhook-timestamp", Seconds(time))
            .With("webhook-signature", WebhookSignature(key, time, body, id));

    public static string WebhookSignature(byte[] key, DateTimeOffset time, string body = Body, string id = EventId) =>
        "v1," + Convert.ToBase64String(HMACSHA256.HashData(key, Encoding.UTF8.GetBytes($"{id}.{Seconds(time)}.{body}")));

    public static string Seconds(DateTimeOffset time) => time.ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture);

    public static HttpRequestMessage With(this HttpRequestMessage request, string header, string value)
    {
        Assert.True(request.Headers.TryAddWithoutValidation(header, value));
        return request;
    }

    public static HttpRequestMessage Without(this HttpRequestMessage request, string header)
    {
        request.Headers.Remove(header);
        return request;
    }
}
