using System.Text;
using WhatsAppMesh.Edge.Signatures;

namespace WhatsAppMesh.Edge.Sources;

/// <summary>Turns the text of a secret into the bytes that it stands for.</summary>
internal static class SecretText
{
    private const string WebhookPrefix = "whsec_";
    private const string HashPrefix = "sha256:";

    /// <summary>The text as an HMAC key: its UTF-8 bytes, whatever it looks like.</summary>
    public static byte[] KeyBytes(string text) => Encoding.UTF8.GetBytes(text);

    /// <summary>True for a secret of Standard Webhooks, written <c>whsec_</c> and base64.</summary>
    public static bool IsWebhookSecret(string text) => text.StartsWith(WebhookPrefix, StringComparison.Ordinal);

    /// <summary>The key of a Standard Webhooks secret; null when its base64 cannot be decoded or is empty.</summary>
    public static byte[]? DecodeWebhookSecret(string text)
    {
        var base64 = text.AsSpan(WebhookPrefix.Length);
        var key = new byte[base64.Length];
        return Convert.TryFromBase64Chars(base64, key, out var length) && length > 0 ? key[..length] : null;
    }

    /// <summary>The bytes of a configured hash; null when it is none.</summary>
    public static byte[]? DecodeKeyHash(string text)
    {
        var hex = text.StartsWith(HashPrefix, StringComparison.OrdinalIgnoreCase) ? text.AsSpan(HashPrefix.Length) : text;
        var hash = new byte[ApiKeyCheck.HashSize];
        return SignatureHeaders.TryDecodeHex(hex, hash) ? hash : null;
    }
}
