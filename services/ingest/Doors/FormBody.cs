using Microsoft.Net.Http.Headers;

namespace WhatsAppMesh.Ingest;

/// <summary>
/// JSON in the field <c>payload</c> of a form (application/x-www-form-urlencoded), as GitHub and Slack can send it. Other fields are skipped
/// without being decoded, so that a form of a million fields costs one pass.
/// </summary>
internal static class FormBody
{
    /// <summary>True when a request's content type is a form's.</summary>
    public static bool IsForm(string? contentType) =>
        contentType is not null && MediaTypeHeaderValue.TryParse(contentType, out var type)
        && type.MediaType.Equals("application/x-www-form-urlencoded", StringComparison.OrdinalIgnoreCase);

    /// <summary>The decoded field; null when it is absent, stands twice or cannot be decoded, with the reason in <paramref name="errors"/>.</summary>
    public static ReadOnlyMemory<byte>? Read(ReadOnlySpan<byte> form, FieldErrors errors)
    {
        ReadOnlyMemory<byte>? found = null;
        foreach (var range in form.Split((byte)'&'))
        {
            var field = form[range];
            if (!field.StartsWith("payload="u8))
                continue;
            if (found is not null)
            {
                errors.Add("payload", "stands more than once");
                return null;
            }

            found = Decode(field["payload="u8.Length..]);
            if (found is null)
                errors.Add("payload", "is not percent-encoded as a form demands");
        }

        if (found is null && errors.IsEmpty)
            errors.Add("payload", "is required: a form carries its JSON in this field");
        return errors.IsEmpty ? found : null;
    }

    private static ReadOnlyMemory<byte>? Decode(ReadOnlySpan<byte> text)
    {
        var decoded = new byte[text.Length];
        var length = 0;
        for (var i = 0; i < text.Length; i++)
        {
            if (text[i] != '%')
            {
                decoded[length++] = text[i] == '+' ? (byte)' ' : text[i];
                continue;
            }

            if (i + 2 >= text.Length || !char.IsAsciiHexDigit((char)text[i + 1]) || !char.IsAsciiHexDigit((char)text[i + 2]))
                return null;
            decoded[length++] = (byte)((HexOf(text[i + 1]) << 4) | HexOf(text[i + 2]));
            i += 2;
        }

        return decoded.AsMemory(0, length);
    }

    private static int HexOf(byte digit) => digit <= '9' ? digit - '0' : (digit | 0x20) - 'a' + 10;
}
