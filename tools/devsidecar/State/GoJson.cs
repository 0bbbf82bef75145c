using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Unicode;

namespace WhatsAppMesh.DevSidecar.State;

/// <summary>
/// JSON as daprd re-encodes it: keys sorted by their UTF-8 bytes, the last of equal keys wins, <c>&lt;</c>, <c>&gt;</c>, <c>&amp;</c>,
/// U+2028 and U+2029 escaped, no white space, and every number read as a double and written in its shortest form.
/// </summary>
internal static class GoJson
{
    private static readonly SearchValues<byte> MustEscape = SearchValues.Create(
        [.. Enumerable.Range(0, 0x20).Select(b => (byte)b), (byte)'"', (byte)'\\', (byte)'<', (byte)'>', (byte)'&', 0xE2]);

    /// <summary>Parses a document; bytes that are not UTF-8 become U+FFFD.</summary>
    /// <exception cref="JsonException">It is not JSON.</exception>
    public static JsonDocument Parse(ReadOnlyMemory<byte> utf8) =>
        JsonDocument.Parse(Utf8.IsValid(utf8.Span) ? utf8 : Encoding.UTF8.GetBytes(Encoding.UTF8.GetString(utf8.Span)), new JsonDocumentOptions { MaxDepth = 512 });

    /// <summary>The value, re-encoded.</summary>
    /// <exception cref="JsonException">A number is too large for a double.</exception>
    public static byte[] Encode(JsonElement value)
    {
        var output = new ArrayBufferWriter<byte>();
        Write(output, value);
        return output.WrittenSpan.ToArray();
    }

    /// <summary>The text of a string value; a lone surrogate in it becomes U+FFFD.</summary>
    public static string ReadString(JsonElement text)
    {
        try
        {
            return text.GetString()!;
        }
        catch (InvalidOperationException)
        {
            return Unescape(text.GetRawText().AsSpan(1..^1));
        }
    }

    private static void Write(IBufferWriter<byte> output, JsonElement value)
    {
        switch (value.ValueKind)
        {
            case JsonValueKind.Object:
                WriteObject(output, value);
                break;
            case JsonValueKind.Array:
                WriteArray(output, value);
                break;
            case JsonValueKind.String:
                WriteString(output, Encoding.UTF8.GetBytes(ReadString(value)));
                break;
            case JsonValueKind.Number:
                output.Write(Encoding.ASCII.GetBytes(FormatNumber(value)));
                break;
            default:
                output.Write(Encoding.ASCII.GetBytes(value.GetRawText()));
                break;
        }
    }

    private static void WriteObject(IBufferWriter<byte> output, JsonElement value)
    {
        var members = new SortedDictionary<byte[], JsonElement>(BytewiseOrder);
        foreach (var member in value.EnumerateObject())
            members[Encoding.UTF8.GetBytes(ReadName(member))] = member.Value;

        output.Write("{"u8);
        var first = true;
        foreach (var (name, member) in members)
        {
            if (!first)
                output.Write(","u8);
            first = false;
            WriteString(output, name);
            output.Write(":"u8);
            Write(output, member);
        }

        output.Write("}"u8);
    }

    private static readonly Comparer<byte[]> BytewiseOrder = Comparer<byte[]>.Create((a, b) => a.AsSpan().SequenceCompareTo(b));

    private static string ReadName(JsonProperty member)
    {
        try
        {
            return member.Name;
        }
        catch (InvalidOperationException)
        {
            // The text of a property is "name":value; the name ends at the first quote that no backslash escapes.
            var text = member.ToString().AsSpan(1);
            var end = 0;
            while (text[end] != '"')
                end += text[end] == '\\' ? 2 : 1;
            return Unescape(text[..end]);
        }
    }

    private static void WriteArray(IBufferWriter<byte> output, JsonElement value)
    {
        output.Write("["u8);
        var first = true;
        foreach (var item in value.EnumerateArray())
        {
            if (!first)
                output.Write(","u8);
            first = false;
            Write(output, item);
        }

        output.Write("]"u8);
    }

    private static void WriteString(IBufferWriter<byte> output, ReadOnlySpan<byte> text)
    {
        output.Write("\""u8);
        while (text.IndexOfAny(MustEscape) is >= 0 and var at)
        {
            output.Write(text[..at]);
            text = text[at..];
            var length = WriteEscaped(output, text);
            text = text[length..];
        }

        output.Write(text);
        output.Write("\""u8);
    }

    private static int WriteEscaped(IBufferWriter<byte> output, ReadOnlySpan<byte> text)
    {
        switch (text[0])
        {
            case (byte)'"': output.Write("\\\""u8); return 1;
            case (byte)'\\': output.Write("\\\\"u8); return 1;
            case (byte)'\b': output.Write("\\b"u8); return 1;
            case (byte)'\f': output.Write("\\f"u8); return 1;
            case (byte)'\n': output.Write("\\n"u8); return 1;
            case (byte)'\r': output.Write("\\r"u8); return 1;
            case (byte)'\t': output.Write("\\t"u8); return 1;
            case 0xE2 when text.StartsWith("\u2028"u8): output.Write("\\u2028"u8); return 3;
            case 0xE2 when text.StartsWith("\u2029"u8): output.Write("\\u2029"u8); return 3;
            case 0xE2: output.Write(text[..1]); return 1;
            default: output.Write(Encoding.ASCII.GetBytes($"\\u{text[0]:x4}")); return 1;
        }
    }

    private static string FormatNumber(JsonElement number)
    {
        var value = number.GetDouble();
        return double.IsFinite(value) ? FormatNumber(value) : throw new JsonException("a number is too large for a double");
    }

    /// <summary>The shortest decimal that reads back as the same double: plain digits from 1e-6 to below 1e21, else with an exponent.</summary>
    public static string FormatNumber(double value)
    {
        if (value == 0)
            return double.IsNegative(value) ? "-0" : "0";

        // "E" without precision would round: the round-trip form holds the shortest digits, whose point is then moved.
        var text = value.ToString("R", CultureInfo.InvariantCulture);
        var sign = text[0] == '-' ? "-" : "";
        var parts = text.TrimStart('-').Split('E');
        var point = parts[0].IndexOf('.') is >= 0 and var p ? p : parts[0].Length;
        var digits = parts[0].Replace(".", "", StringComparison.Ordinal);
        point += parts.Length > 1 ? int.Parse(parts[1], CultureInfo.InvariantCulture) : 0;

        var leading = digits.Length - digits.TrimStart('0').Length;
        digits = digits.Trim('0');
        point -= leading;

        var magnitude = Math.Abs(value);
        if (magnitude is < 1e-6 or >= 1e21)
        {
            var fraction = digits.Length > 1 ? "." + digits[1..] : "";
            return $"{sign}{digits[0]}{fraction}e{(point - 1 < 0 ? "-" : "+")}{Math.Abs(point - 1).ToString(CultureInfo.InvariantCulture)}";
        }

        if (point <= 0)
            return $"{sign}0.{new string('0', -point)}{digits}";
        return point >= digits.Length ? sign + digits.PadRight(point, '0') : $"{sign}{digits[..point]}.{digits[point..]}";
    }

    private static string Unescape(ReadOnlySpan<char> raw)
    {
        var text = new StringBuilder(raw.Length);
        for (var i = 0; i < raw.Length; i++)
        {
            if (raw[i] != '\\')
            {
                text.Append(raw[i]);
                continue;
            }

            i++;
            if (raw[i] == 'u')
            {
                text.Append((char)ushort.Parse(raw.Slice(i + 1, 4), NumberStyles.HexNumber, CultureInfo.InvariantCulture));
                i += 4;
            }
            else
            {
                text.Append(raw[i] switch { 'b' => '\b', 'f' => '\f', 'n' => '\n', 'r' => '\r', 't' => '\t', var other => other });
            }
        }

        // Encoding replaces the surrogates that have no partner.
        return Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(text.ToString()));
    }
}
