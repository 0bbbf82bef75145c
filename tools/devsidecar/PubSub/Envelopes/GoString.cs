using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Unicode;

namespace WhatsAppMesh.DevSidecar.PubSub.Envelopes;

/// <summary>
/// JSON strings as Go's encoding/json writes them: &lt;, &gt;, &amp;, U+2028, U+2029 and control characters escaped, everything else as it is.
/// </summary>
internal static class GoString
{
    /// <summary>Bytes that may not be copied unseen; 0xE2 begins U+2028 and U+2029.</summary>
    private static readonly SearchValues<byte> Special = SearchValues.Create([.. Enumerable.Range(0, 0x20).Select(value => (byte)value), .. "\"\\<>&"u8, 0xE2]);

    private static ReadOnlySpan<byte> Hex => "0123456789abcdef"u8;

    private static ReadOnlySpan<byte> Replacement => "\uFFFD"u8;

    /// <summary>Writes a text in quotes. A byte that is no UTF-8 is written as the escape \ufffd.</summary>
    public static void Write(ReadOnlySpan<byte> text, ByteBuffer output)
    {
        output.Write((byte)'"');
        WriteContent(text, "\\ufffd"u8, output);
        output.Write((byte)'"');
    }

    /// <summary>Writes a text in quotes.</summary>
    public static void Write(string text, ByteBuffer output)
    {
        var most = Encoding.UTF8.GetMaxByteCount(text.Length);
        byte[]? rented = null;
        var bytes = most <= 512 ? stackalloc byte[512] : rented = ArrayPool<byte>.Shared.Rent(most);
        Write(bytes[..Encoding.UTF8.GetBytes(text, bytes)], output);
        if (rented is not null)
            ArrayPool<byte>.Shared.Return(rented);
    }

    /// <summary>Writes the content of a JSON string token (what stands between its quotes) again, in quotes, as Go would after reading it.</summary>
    public static void Rewrite(ReadOnlySpan<byte> token, ByteBuffer output)
    {
        output.Write((byte)'"');
        while (true)
        {
            var escape = token.IndexOf((byte)'\\');
            WriteContent(escape < 0 ? token : token[..escape], Replacement, output);
            if (escape < 0)
                break;

            token = token[escape..];
            token = token[RewriteEscape(token, output)..];
        }

        output.Write((byte)'"');
    }

    /// <summary>The text a JSON string token stands for.</summary>
    public static byte[] Unescape(ReadOnlySpan<byte> token)
    {
        using var text = new ByteBuffer(token.Length + 4);
        while (true)
        {
            var escape = token.IndexOf((byte)'\\');
            WriteValid(escape < 0 ? token : token[..escape], text);
            if (escape < 0)
                return text.Written.ToArray();

            token = token[escape..];
            var used = ReadEscape(token, out var rune);
            text.Advance(rune.EncodeToUtf8(text.Reserve(4)));
            token = token[used..];
        }
    }

    private static int RewriteEscape(ReadOnlySpan<byte> token, ByteBuffer output)
    {
        if (token[1] is (byte)'"' or (byte)'\\' or (byte)'n' or (byte)'r' or (byte)'t' or (byte)'b' or (byte)'f')
        {
            output.Write(token[..2]);
            return 2;
        }

        var used = ReadEscape(token, out var rune);
        Span<byte> bytes = stackalloc byte[4];
        WriteContent(bytes[..rune.EncodeToUtf8(bytes)], Replacement, output);
        return used;
    }

    private static int ReadEscape(ReadOnlySpan<byte> token, out Rune rune)
    {
        if (token[1] != (byte)'u')
        {
            rune = new Rune((char)(token[1] switch
            {
                (byte)'n' => (byte)'\n',
                (byte)'r' => (byte)'\r',
                (byte)'t' => (byte)'\t',
                (byte)'b' => (byte)'\b',
                (byte)'f' => (byte)'\f',
                var other => other,
            }));
            return 2;
        }

        var first = Unit(token);
        if (Rune.TryCreate(first, out rune))
            return 6;

        if (char.IsHighSurrogate(first) && token.Length >= 12 && token[6] == '\\' && token[7] == 'u' && Rune.TryCreate(first, Unit(token[6..]), out rune))
            return 12;

        rune = Rune.ReplacementChar;
        return 6;
    }

    private static char Unit(ReadOnlySpan<byte> escape) =>
        (char)ushort.Parse(escape.Slice(2, 4), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture);

    private static void WriteContent(ReadOnlySpan<byte> text, ReadOnlySpan<byte> forInvalid, ByteBuffer output)
    {
        if (!Utf8.IsValid(text))
        {
            WriteInvalid(text, forInvalid, output);
            return;
        }

        while (true)
        {
            var at = text.IndexOfAny(Special);
            if (at < 0)
            {
                output.Write(text);
                return;
            }

            output.Write(text[..at]);
            text = text[at..];
            text = text[WriteSpecial(text, output)..];
        }
    }

    private static int WriteSpecial(ReadOnlySpan<byte> text, ByteBuffer output)
    {
        switch (text[0])
        {
            case 0xE2 when text[1] == 0x80 && text[2] is 0xA8 or 0xA9:
                output.Write("\\u202"u8);
                output.Write(Hex[text[2] & 0xF]);
                return 3;
            case 0xE2:
                output.Write(text[0]);
                return 1;
            case (byte)'"' or (byte)'\\':
                output.Write((byte)'\\');
                output.Write(text[0]);
                return 1;
            case (byte)'\n':
                output.Write("\\n"u8);
                return 1;
            case (byte)'\r':
                output.Write("\\r"u8);
                return 1;
            case (byte)'\t':
                output.Write("\\t"u8);
                return 1;
            case (byte)'\b':
                output.Write("\\b"u8);
                return 1;
            case (byte)'\f':
                output.Write("\\f"u8);
                return 1;
            case var value:
                output.Write("\\u00"u8);
                output.Write(Hex[value >> 4]);
                output.Write(Hex[value & 0xF]);
                return 1;
        }
    }

    /// <summary>Go counts each bad byte by itself.</summary>
    private static void WriteInvalid(ReadOnlySpan<byte> text, ReadOnlySpan<byte> forInvalid, ByteBuffer output)
    {
        while (!text.IsEmpty)
        {
            if (Rune.DecodeFromUtf8(text, out _, out var used) == OperationStatus.Done)
            {
                WriteContent(text[..used], forInvalid, output);
                text = text[used..];
            }
            else
            {
                output.Write(forInvalid);
                text = text[1..];
            }
        }
    }

    private static void WriteValid(ReadOnlySpan<byte> text, ByteBuffer output)
    {
        if (Utf8.IsValid(text))
        {
            output.Write(text);
            return;
        }

        while (!text.IsEmpty)
        {
            var valid = Rune.DecodeFromUtf8(text, out _, out var used) == OperationStatus.Done;
            output.Write(valid ? text[..used] : Replacement);
            text = text[(valid ? used : 1)..];
        }
    }
}
