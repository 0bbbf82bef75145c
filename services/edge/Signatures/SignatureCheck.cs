using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.Primitives;

namespace WhatsAppMesh.Edge.Signatures;

/// <summary>
/// Decides whether a body was signed by somebody who knows a secret. Pure: headers, bytes, keys and a time in, a verdict out.
/// </summary>
/// <remarks>
/// Rules for doubtful requests: a header that came twice, and headers of both collector styles in one request, are
/// <see cref="SignatureVerdict.Ambiguous"/>, whatever they hold; a proxy and this service might otherwise each believe another one.
/// </remarks>
public static class SignatureCheck
{
    /// <summary>How far the time in a signature may lie from ours, both ways.</summary>
    public static readonly TimeSpan Window = TimeSpan.FromSeconds(300);

    private static readonly string[] TriggerHeaders =
        ["X-Webhook-Signature", "X-Signature", "X-Hub-Signature-256", "Stripe-Signature", "Linear-Signature"];

    private const int ListBytes = SignatureHeaders.MaxListed * SHA256.HashSizeInBytes;

    /// <summary>Checks a collector's request in whichever of the styles it uses.</summary>
    /// <param name="headers">The request's headers.</param>
    /// <param name="body">The raw body.</param>
    /// <param name="keys">The source's keys for <c>X-Signature</c>.</param>
    /// <param name="webhookKeys">The source's keys for Standard Webhooks.</param>
    /// <param name="allowed">What the source and the path allow.</param>
    /// <param name="now">Our time.</param>
    /// <param name="eventId">The event id that the signature covers (or, body only, goes with); empty unless accepted.</param>
    public static SignatureVerdict Collector(
        IHeaderDictionary headers, ReadOnlySpan<byte> body, KeyRing keys, KeyRing webhookKeys, CollectorSchemes allowed, DateTimeOffset now,
        out string eventId)
    {
        eventId = "";
        var webhookStyle = headers.ContainsKey("webhook-id") || headers.ContainsKey("webhook-timestamp") || headers.ContainsKey("webhook-signature");
        var signatureStyle = headers.ContainsKey("X-Signature") || headers.ContainsKey("X-Event-Id");
        if (webhookStyle && signatureStyle)
            return SignatureVerdict.Ambiguous;
        var verdict = webhookStyle
            ? StandardWebhook(headers, body, webhookKeys, allowed, now, out var id)
            : XSignature(headers, body, keys, allowed, now, out id);
        if (verdict == SignatureVerdict.Accepted)
            eventId = id;
        return verdict;
    }

    /// <summary>True when a signature stands in any header that some trigger's sender uses.</summary>
    public static bool BringsTriggerSignature(IHeaderDictionary headers) =>
        Array.Exists(TriggerHeaders, name => !StringValues.IsNullOrEmpty(headers[name]));

    /// <summary>Checks a trigger's request under the convention of its sender.</summary>
    public static SignatureVerdict Trigger(IHeaderDictionary headers, ReadOnlySpan<byte> body, KeyRing keys, TriggerScheme scheme, DateTimeOffset now)
    {
        switch (scheme)
        {
            case TriggerScheme.GitHub:
                return HexOverBody(headers, "X-Hub-Signature-256", body, keys, now, prefixDemanded: true);
            case TriggerScheme.Stripe:
                return Stripe(headers, body, keys, now);
            case TriggerScheme.Linear:
                return HexOverBody(headers, "Linear-Signature", body, keys, now);
            default:
                // Some senders set both, for receivers of either kind: the same value can be read in one way only.
                if (headers.ContainsKey("X-Webhook-Signature") && headers.ContainsKey("X-Signature")
                    && headers["X-Webhook-Signature"] != headers["X-Signature"])
                    return SignatureVerdict.Ambiguous;
                var name = headers.ContainsKey("X-Webhook-Signature") ? "X-Webhook-Signature" : "X-Signature";
                return HexOverBody(headers, name, body, keys, now);
        }
    }

    /// <summary>Checks a WAHA webhook: <c>X-Webhook-Hmac</c> is the hexadecimal HMAC-SHA512 over the body.</summary>
    public static SignatureVerdict Waha(IHeaderDictionary headers, ReadOnlySpan<byte> body, KeyRing keys, DateTimeOffset now)
    {
        var verdict = SignatureHeaders.ReadSingle(headers["X-Webhook-Hmac"], out var signature);
        if (verdict != SignatureVerdict.Accepted)
            return verdict;
        var algorithm = headers["X-Webhook-Hmac-Algorithm"];
        if (algorithm.Count > 0 && !string.Equals(algorithm.ToString(), "sha512", StringComparison.OrdinalIgnoreCase))
            return SignatureVerdict.SchemeNotAllowed;
        Span<byte> presented = stackalloc byte[SHA512.HashSizeInBytes];
        if (!SignatureHeaders.TryDecodeHex(signature, presented))
            return SignatureVerdict.Malformed;
        return keys.Matches(now, [], body, presented, SHA512.HashSizeInBytes) ? SignatureVerdict.Accepted : SignatureVerdict.WrongSignature;
    }

    private static SignatureVerdict XSignature(
        IHeaderDictionary headers, ReadOnlySpan<byte> body, KeyRing keys, CollectorSchemes allowed, DateTimeOffset now, out string id)
    {
        var signatureVerdict = SignatureHeaders.ReadSingle(headers["X-Signature"], out var signature);
        var idVerdict = SignatureHeaders.ReadSingle(headers["X-Event-Id"], out id);
        if (FirstProblem(signatureVerdict, idVerdict) is { } problem)
            return problem;
        Span<byte> presented = stackalloc byte[SHA256.HashSizeInBytes];
        SignatureHeaders.TryStripPrefix(signature, demanded: false, out var hex);
        if (!SignatureHeaders.TryDecodeHex(hex, presented))
            return SignatureVerdict.Malformed;
        var matched = false;
        if ((allowed & CollectorSchemes.IdAndBody) != 0)
            matched |= MatchesBehind(id, ".", body, keys, now, presented);
        if ((allowed & CollectorSchemes.Body) != 0)
            matched |= keys.Matches(now, [], body, presented, SHA256.HashSizeInBytes);
        if (matched)
            return SignatureVerdict.Accepted;
        var anyAllowed = (allowed & (CollectorSchemes.IdAndBody | CollectorSchemes.Body)) != CollectorSchemes.None;
        return anyAllowed ? SignatureVerdict.WrongSignature : SignatureVerdict.SchemeNotAllowed;
    }

    private static SignatureVerdict StandardWebhook(
        IHeaderDictionary headers, ReadOnlySpan<byte> body, KeyRing keys, CollectorSchemes allowed, DateTimeOffset now, out string id)
    {
        var idVerdict = SignatureHeaders.ReadSingle(headers["webhook-id"], out id);
        var timeVerdict = SignatureHeaders.ReadSingle(headers["webhook-timestamp"], out var time);
        var signatureVerdict = SignatureHeaders.ReadSingle(headers["webhook-signature"], out var list);
        if (FirstProblem(idVerdict, timeVerdict, signatureVerdict) is { } problem)
            return problem;
        Span<byte> digests = stackalloc byte[ListBytes];
        var written = SignatureHeaders.DecodeWebhookList(list, digests);
        if (written == 0 || !SignatureHeaders.TryReadSeconds(time, out var seconds))
            return SignatureVerdict.Malformed;
        if ((allowed & CollectorSchemes.StandardWebhooks) == 0 || !keys.HasLive(now))
            return SignatureVerdict.SchemeNotAllowed;
        if (!MatchesBehind(id, $".{time}.", body, keys, now, digests[..written]))
            return SignatureVerdict.WrongSignature;
        return IsInWindow(seconds, now) ? SignatureVerdict.Accepted : SignatureVerdict.OutsideWindow;
    }

    private static SignatureVerdict Stripe(IHeaderDictionary headers, ReadOnlySpan<byte> body, KeyRing keys, DateTimeOffset now)
    {
        var verdict = SignatureHeaders.ReadSingle(headers["Stripe-Signature"], out var header);
        if (verdict != SignatureVerdict.Accepted)
            return verdict;
        Span<byte> digests = stackalloc byte[ListBytes];
        if (!SignatureHeaders.TryDecodeStripe(header, digests, out var time, out var written)
            || !SignatureHeaders.TryReadSeconds(time, out var seconds))
            return SignatureVerdict.Malformed;
        if (!MatchesBehind(time, ".", body, keys, now, digests[..written]))
            return SignatureVerdict.WrongSignature;
        return IsInWindow(seconds, now) ? SignatureVerdict.Accepted : SignatureVerdict.OutsideWindow;
    }

    private static SignatureVerdict HexOverBody(
        IHeaderDictionary headers, string name, ReadOnlySpan<byte> body, KeyRing keys, DateTimeOffset now, bool prefixDemanded = false)
    {
        var verdict = SignatureHeaders.ReadSingle(headers[name], out var signature);
        if (verdict != SignatureVerdict.Accepted)
            return verdict;
        Span<byte> presented = stackalloc byte[SHA256.HashSizeInBytes];
        if (!SignatureHeaders.TryStripPrefix(signature, prefixDemanded, out var hex) || !SignatureHeaders.TryDecodeHex(hex, presented))
            return SignatureVerdict.Malformed;
        return keys.Matches(now, [], body, presented, SHA256.HashSizeInBytes) ? SignatureVerdict.Accepted : SignatureVerdict.WrongSignature;
    }

    // What is signed in front of the body is short (an id, a time): it is written to the stack, the body stays where it is.
    private static bool MatchesBehind(
        ReadOnlySpan<char> first, ReadOnlySpan<char> second, ReadOnlySpan<byte> body, KeyRing keys, DateTimeOffset now, ReadOnlySpan<byte> presented)
    {
        var most = Encoding.UTF8.GetMaxByteCount(first.Length + second.Length);
        var prefix = most <= 512 ? stackalloc byte[512] : new byte[most];
        var length = Encoding.UTF8.GetBytes(first, prefix);
        length += Encoding.UTF8.GetBytes(second, prefix[length..]);
        return keys.Matches(now, prefix[..length], body, presented, SHA256.HashSizeInBytes);
    }

    private static bool IsInWindow(long seconds, DateTimeOffset now) =>
        Math.Abs(now.ToUnixTimeSeconds() - seconds) <= (long)Window.TotalSeconds;

    // A missing header is told before a doubled one: check 4 comes before check 5.
    private static SignatureVerdict? FirstProblem(params ReadOnlySpan<SignatureVerdict> verdicts)
    {
        if (verdicts.Contains(SignatureVerdict.Missing))
            return SignatureVerdict.Missing;
        return verdicts.Contains(SignatureVerdict.Ambiguous) ? SignatureVerdict.Ambiguous : null;
    }
}
