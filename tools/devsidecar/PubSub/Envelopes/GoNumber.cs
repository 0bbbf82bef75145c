using System.Buffers.Text;
using System.Globalization;

namespace WhatsAppMesh.DevSidecar.PubSub.Envelopes;

/// <summary>JSON numbers as Go's encoding/json writes a float64: shortest digits, exponent only below 1e-6 and from 1e21.</summary>
internal static class GoNumber
{
    /// <summary>A whole number of at most 15 digits is its own float64 text.</summary>
    private const int ExactDigits = 15;

    /// <summary>Writes the number as it comes out of a double.</summary>
    /// <returns>False when the number does not fit a double: Go refuses such a document.</returns>
    public static bool TryWriteAsDouble(ReadOnlySpan<byte> text, ByteBuffer output)
    {
        if (IsPlainInteger(text))
        {
            output.Write(text);
            return true;
        }

        if (!Utf8Parser.TryParse(text, out double value, out var used) || used != text.Length || !double.IsFinite(value))
            return false;

        Write(value, output);
        return true;
    }

    /// <summary>Whether the text stays the same on its way through a double; null when it does not fit one.</summary>
    public static bool? IsStable(ReadOnlySpan<byte> text)
    {
        if (IsPlainInteger(text))
            return true;

        using var written = new ByteBuffer(32);
        return TryWriteAsDouble(text, written) ? written.Written.SequenceEqual(text) : null;
    }

    private static bool IsPlainInteger(ReadOnlySpan<byte> text)
    {
        var digits = text[0] == '-' ? text[1..] : text;
        return digits.Length <= ExactDigits && !digits.ContainsAnyExceptInRange((byte)'0', (byte)'9') && !text.SequenceEqual("-0"u8);
    }

    private static void Write(double value, ByteBuffer output)
    {
        if (double.IsNegative(value))
            output.Write((byte)'-');

        var magnitude = Math.Abs(value);
        if (magnitude == 0)
        {
            output.Write((byte)'0');
            return;
        }

        var (digits, point) = ShortestDigits(magnitude);
        if (magnitude is < 1e-6 or >= 1e21)
            WriteScientific(digits, point - 1, output);
        else
            WriteDecimal(digits, point, output);
    }

    /// <summary>The shortest digits that read back as the value, and where the point stands: 0.d1d2… x 10^point.</summary>
    private static (string Digits, int Point) ShortestDigits(double magnitude)
    {
        var text = magnitude.ToString("R", CultureInfo.InvariantCulture);
        var exponentAt = text.IndexOf('E', StringComparison.Ordinal);
        var exponent = exponentAt < 0 ? 0 : int.Parse(text.AsSpan(exponentAt + 1), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture);
        var mantissa = exponentAt < 0 ? text : text[..exponentAt];
        var pointAt = mantissa.IndexOf('.', StringComparison.Ordinal);
        var whole = pointAt < 0 ? mantissa.Length : pointAt;
        var all = mantissa.Replace(".", "", StringComparison.Ordinal);
        var digits = all.TrimStart('0');
        return (digits.TrimEnd('0'), whole + exponent - (all.Length - digits.Length));
    }

    private static void WriteDecimal(string digits, int point, ByteBuffer output)
    {
        if (point <= 0)
        {
            output.Write("0."u8);
            Fill(-point, output);
            Ascii(digits, output);
        }
        else if (point >= digits.Length)
        {
            Ascii(digits, output);
            Fill(point - digits.Length, output);
        }
        else
        {
            Ascii(digits.AsSpan(0, point), output);
            output.Write((byte)'.');
            Ascii(digits.AsSpan(point), output);
        }
    }

    private static void WriteScientific(string digits, int exponent, ByteBuffer output)
    {
        Ascii(digits.AsSpan(0, 1), output);
        if (digits.Length > 1)
        {
            output.Write((byte)'.');
            Ascii(digits.AsSpan(1), output);
        }

        // Go writes e+21 and, after dropping the leading zero, e-9.
        output.Write(exponent < 0 ? "e-"u8 : "e+"u8);
        Ascii(Math.Abs(exponent).ToString(CultureInfo.InvariantCulture), output);
    }

    private static void Fill(int zeros, ByteBuffer output)
    {
        output.Reserve(zeros)[..zeros].Fill((byte)'0');
        output.Advance(zeros);
    }

    private static void Ascii(ReadOnlySpan<char> text, ByteBuffer output)
    {
        var status = System.Text.Ascii.FromUtf16(text, output.Reserve(text.Length), out var written);
        System.Diagnostics.Debug.Assert(status == System.Buffers.OperationStatus.Done, "Digits are ASCII.");
        output.Advance(written);
    }
}
