using System.Buffers;
using System.Globalization;
using System.Security.Cryptography;
using Microsoft.Extensions.Primitives;

namespace WhatsAppMesh.Edge.Signatures;

/// <summary>Reads the headers that carry a proof of origin. What cannot be read in exactly one way is refused, never guessed.</summary>
internal static class SignatureHeaders
{
    /// <summary>Most signatures that one header may list; more is no rotation but an attempt to make us work.</summary>
    public const int MaxListed = 16;

    private const string Sha256Prefix = "sha256=";

    /// <summary>Accepted when the header is there once and not empty, else Missing or Ambiguous.</summary>
    public static SignatureVerdict ReadSingle(StringValues header, out string value)
    {
        value = header.Count == 1 ? header[0] ?? "" : "";
        if (header.Count > 1)
            return SignatureVerdict.Ambiguous;
        return value.Length == 0 ? SignatureVerdict.Missing : SignatureVerdict.Accepted;
    }

    /// <summary>Decodes a hexadecimal digest in any case that is exactly as long as <paramref name="digest"/>.</summary>
    public static bool TryDecodeHex(ReadOnlySpan<char> text, Span<byte> digest) =>
        text.Length == digest.Length * 2
        && Convert.FromHexString(text, digest, out _, out var written) == OperationStatus.Done
        && written == digest.Length;

    /// <summary>Takes <c>sha256=</c> off, in any case. False when it is demanded and not there.</summary>
    public static bool TryStripPrefix(ReadOnlySpan<char> text, bool demanded, out ReadOnlySpan<char> rest)
    {
        var present = text.StartsWith(Sha256Prefix, StringComparison.OrdinalIgnoreCase);
        rest = present ? text[Sha256Prefix.Length..] : text;
        return present || !demanded;
    }

    /// <summary>Unix seconds, digits only.</summary>
    public static bool TryReadSeconds(ReadOnlySpan<char> text, out long seconds) =>
        long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out seconds);

    /// <summary>
    /// Decodes every <c>v1,base64</c> of a space-separated list (Standard Webhooks); entries of other versions are skipped.
    /// Returns the bytes written, 0 when nothing usable is listed or more than <see cref="MaxListed"/> are.
    /// </summary>
    public static int DecodeWebhookList(ReadOnlySpan<char> list, Span<byte> digests)
    {
        var written = 0;
        foreach (var range in list.Split(' '))
        {
            var entry = list[range];
            if (!entry.StartsWith("v1,", StringComparison.Ordinal))
                continue;
            if (written == digests.Length)
                return 0;
            var digest = digests.Slice(written, SHA256.HashSizeInBytes);
            if (Convert.TryFromBase64Chars(entry[3..], digest, out var size) && size == digest.Length)
                written += size;
        }

        return written;
    }

    /// <summary>
    /// Takes a <c>t=seconds,v1=hex,v1=hex</c> header apart (Stripe); other keys are skipped. False when the time is absent or there twice,
    /// or when no usable signature is listed, or more than <see cref="MaxListed"/> are.
    /// </summary>
    public static bool TryDecodeStripe(ReadOnlySpan<char> header, Span<byte> digests, out ReadOnlySpan<char> time, out int written)
    {
        time = default;
        written = 0;
        foreach (var range in header.Split(','))
        {
            var entry = header[range].Trim();
            if (entry.StartsWith("t=", StringComparison.Ordinal))
            {
                if (!time.IsEmpty)
                    return false;
                time = entry[2..];
            }
            else if (entry.StartsWith("v1=", StringComparison.Ordinal))
            {
                if (written == digests.Length)
                    return false;
                if (TryDecodeHex(entry[3..], digests.Slice(written, SHA256.HashSizeInBytes)))
                    written += SHA256.HashSizeInBytes;
            }
        }

        return !time.IsEmpty && written > 0;
    }
}
