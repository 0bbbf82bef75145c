using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace WhatsAppMesh.Collector;

/// <summary>How a collector proves where an event came from.</summary>
public enum SigningScheme
{
    /// <summary>First generation: typed columns beside the payload, HMAC over the raw body.</summary>
    V1,

    /// <summary>Second generation (what wpp-tui sends): HMAC over <c>event id + "." + body</c>.</summary>
    V2,

    /// <summary>Standard Webhooks headers over the second-generation body: HMAC over <c>id.timestamp.body</c>.</summary>
    StandardWebhooks,
}

/// <summary>A request that is ready to be posted: path, body and headers (the content type is always <c>application/json</c>).</summary>
public sealed record SignedPost(string Path, byte[] Body, IReadOnlyList<KeyValuePair<string, string>> Headers);

/// <summary>Puts events into their envelope and signs them with HMAC-SHA256.</summary>
/// <param name="secret">The shared secret; Standard Webhooks secrets are <c>whsec_</c> and base64.</param>
/// <param name="clock">Gives the time that Standard Webhooks signs.</param>
/// <param name="collector">Name sent as <c>X-Collector</c>; null sends none, which means the default source.</param>
public sealed class CollectorSigner(string secret, TimeProvider clock, string? collector = null)
{
    /// <summary>Path of the first-generation contract.</summary>
    public const string V1Path = "/api/integrations/whatsapp/events";

    /// <summary>Path of the second-generation contract.</summary>
    public const string V2Path = "/api/webhooks/whatsapp";

    /// <summary>The prefix of Standard Webhooks secrets.</summary>
    public const string StandardPrefix = "whsec_";

    private readonly byte[] _key = secret.StartsWith(StandardPrefix, StringComparison.Ordinal)
        ? Convert.FromBase64String(secret[StandardPrefix.Length..])
        : Encoding.UTF8.GetBytes(secret);

    /// <summary>Wraps and signs an event.</summary>
    /// <exception cref="ArgumentException">The scheme is <see cref="SigningScheme.V1"/> and the event has no time.</exception>
    public SignedPost Sign(CollectorEvent collected, SigningScheme scheme)
    {
        var body = scheme == SigningScheme.V1 ? FirstEnvelope(collected) : SecondEnvelope(collected);
        return SignBody(body, collected.EventId.ToString(), scheme);
    }

    /// <summary>Signs a body that is sent as it is.</summary>
    public SignedPost SignBody(byte[] body, string eventId, SigningScheme scheme)
    {
        var path = scheme == SigningScheme.V1 ? V1Path : V2Path;
        List<KeyValuePair<string, string>> headers = scheme == SigningScheme.StandardWebhooks
            ? StandardHeaders(body, eventId)
            : [new("X-Event-Id", eventId), new("X-Signature", Convert.ToHexStringLower(Mac(scheme == SigningScheme.V1 ? "" : eventId + ".", body)))];
        if (collector is not null)
            headers.Add(new("X-Collector", collector));
        return new SignedPost(path, body, headers);
    }

    private List<KeyValuePair<string, string>> StandardHeaders(byte[] body, string eventId)
    {
        var seconds = clock.GetUtcNow().ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture);
        var signature = Convert.ToBase64String(Mac($"{eventId}.{seconds}.", body));
        return [new("webhook-id", eventId), new("webhook-timestamp", seconds), new("webhook-signature", $"v1,{signature}")];
    }

    private byte[] Mac(string prefix, byte[] body)
    {
        var material = new byte[prefix.Length + body.Length];
        Encoding.ASCII.GetBytes(prefix, material);
        body.CopyTo(material, prefix.Length);
        return HMACSHA256.HashData(_key, material);
    }

    private static byte[] FirstEnvelope(CollectorEvent collected) => PayloadJson.Write(json =>
    {
        var occurredAt = collected.OccurredAt
            ?? throw new ArgumentException("The first-generation envelope needs the time of the event.", nameof(collected));
        json.WriteString("type", collected.Type);
        WriteOptional(json, "group_jid", collected.ChatJid);
        WriteOptional(json, "participant_jid", collected.ParticipantJid);
        WriteOptional(json, "participant_alt", collected.ParticipantAlt);
        json.WriteString("occurred_at", occurredAt.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture));
        json.WriteString("occurred_at_source", "message_timestamp");
        WritePayload(json, collected);
    });

    private static byte[] SecondEnvelope(CollectorEvent collected) => PayloadJson.Write(json =>
    {
        json.WriteString("type", collected.Type);
        WriteOptional(json, "chat_jid", collected.ChatJid);
        WritePayload(json, collected);
    });

    private static void WritePayload(Utf8JsonWriter json, CollectorEvent collected)
    {
        json.WritePropertyName("payload");
        json.WriteRawValue(collected.Payload.Span, skipInputValidation: true);
    }

    private static void WriteOptional(Utf8JsonWriter json, string name, string? value)
    {
        if (value is not null)
            json.WriteString(name, value);
    }
}
