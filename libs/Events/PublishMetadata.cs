using System.Buffers;
using System.Text;

namespace WhatsAppMesh.Events;

/// <summary>
/// Makes values fit for publish metadata. A sidecar hands metadata on as HTTP headers, where a single control character makes the event
/// undeliverable for ever, so everything outside a small set of visible ASCII is percent-encoded.
/// </summary>
public static class PublishMetadata
{
    private static readonly SearchValues<char> Plain =
        SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~@:/");

    /// <summary>
    /// Percent-encodes the UTF-8 bytes of everything but RFC 3986 unreserved characters and <c>@ : /</c>. Reversible with
    /// <see cref="Uri.UnescapeDataString(string)"/>; a value without anything to encode is returned as it is.
    /// </summary>
    public static string Encode(string value)
    {
        if (!value.AsSpan().ContainsAnyExcept(Plain))
            return value;
        var encoded = new StringBuilder(value.Length + 16);
        Span<byte> utf8 = stackalloc byte[4];
        foreach (var rune in value.EnumerateRunes())
        {
            if (rune.IsAscii && Plain.Contains((char)rune.Value))
            {
                encoded.Append((char)rune.Value);
                continue;
            }
            foreach (var b in utf8[..rune.EncodeToUtf8(utf8)])
                encoded.Append('%').Append(b.ToString("X2", null));
        }
        return encoded.ToString();
    }
}
