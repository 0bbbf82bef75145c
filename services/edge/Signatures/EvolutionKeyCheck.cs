using System.Text.Json;
using WhatsAppMesh.Events;

namespace WhatsAppMesh.Edge.Signatures;

/// <summary>
/// Finds the API key that a request of Evolution API or Evolution Go presents. Pure: headers and body in, the key's hash and a verdict out.
/// </summary>
/// <remarks>
/// A key in a header decides alone: beside it Evolution API still writes its instance's own token into the body, which is no word to us.
/// Only without one is the body read, which nobody has vouched for yet: in one pass over its bytes, without building anything, only as deep
/// as a payload may be, and with nothing believed before the last byte has been JSON.
/// </remarks>
public static class EvolutionKeyCheck
{
    /// <summary>Most bytes of a key in the body, as written.</summary>
    public const int MaxKeyBytes = 512;

    private static readonly JsonReaderOptions Options = new() { MaxDepth = CollectedEventJson.MaxPayloadDepth };

    /// <summary>
    /// Reads <c>apikey</c>, <c>X-API-Key</c> and <c>Authorization: Bearer</c>, then the body's own <c>apikey</c> (Evolution API),
    /// <c>instanceToken</c> (Evolution Go) and <c>api_key</c> (Evolution API's error webhook).
    /// </summary>
    /// <param name="headers">The request's headers.</param>
    /// <param name="body">The raw body.</param>
    /// <param name="hash">Receives the hash of the presented key when the verdict is Accepted: found, not yet known to be right.</param>
    public static SignatureVerdict Read(IHeaderDictionary headers, ReadOnlySpan<byte> body, Span<byte> hash)
    {
        var verdict = ApiKeyCheck.Read(headers, legacy: false, hash);
        var found = verdict == SignatureVerdict.Accepted;
        if (verdict is SignatureVerdict.Accepted or SignatureVerdict.Missing)
            verdict = ApiKeyCheck.Take(headers["apikey"], ref found, hash, bearerOnly: false);
        return verdict != SignatureVerdict.Accepted || found ? verdict : InBody(body, hash);
    }

    private static SignatureVerdict InBody(ReadOnlySpan<byte> body, Span<byte> hash)
    {
        if (body.StartsWith("\uFEFF"u8))
            body = body[3..];
        var reader = new Utf8JsonReader(body, Options);
        try
        {
            return InObject(ref reader, hash);
        }
        catch (JsonException)
        {
            return SignatureVerdict.Missing;
        }
    }

    private static SignatureVerdict InObject(ref Utf8JsonReader reader, Span<byte> hash)
    {
        if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject)
            return SignatureVerdict.Missing;
        var (found, verdict, seen) = (false, SignatureVerdict.Accepted, 0);
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var member = MemberAt(ref reader);
            reader.Read();
            // Which of two of one name another reader would take cannot be known, so neither counts.
            if ((seen & member) != 0)
                verdict = SignatureVerdict.Ambiguous;
            seen |= member;
            if (member != 0 && reader.TokenType == JsonTokenType.String && verdict == SignatureVerdict.Accepted)
                verdict = Take(ref reader, ref found, hash);
            reader.Skip();
        }
        // The reader refuses text after the object only when asked for it.
        reader.Read();
        return verdict != SignatureVerdict.Accepted || found ? verdict : SignatureVerdict.Missing;
    }

    private static int MemberAt(ref Utf8JsonReader reader) =>
        reader.ValueTextEquals("apikey"u8) ? 1 : reader.ValueTextEquals("instanceToken"u8) ? 2 : reader.ValueTextEquals("api_key"u8) ? 4 : 0;

    private static SignatureVerdict Take(ref Utf8JsonReader reader, ref bool found, Span<byte> hash)
    {
        if (reader.ValueSpan.IsEmpty)
            return SignatureVerdict.Accepted;
        if (reader.ValueSpan.Length > MaxKeyBytes)
            return SignatureVerdict.Malformed;
        Span<byte> key = stackalloc byte[MaxKeyBytes];
        try
        {
            return ApiKeyCheck.Take(key[..reader.CopyString(key)], ref found, hash);
        }
        catch (InvalidOperationException)
        {
            // No text at all: invalid UTF-8, or half a surrogate pair.
            return SignatureVerdict.Malformed;
        }
    }
}
