using System.Buffers;
using System.Text;
using System.Text.Unicode;

namespace WhatsAppMesh.Ingest;

/// <summary>
/// Takes out of JSON what PostgreSQL text cannot hold or no consumer can read, and nothing else: NUL inside keys and values (raw and as
/// \u0000) is removed, invalid UTF-8 and lone surrogates (raw and as \ud800) become U+FFFD. Every other byte stays as it was sent.
/// It does not validate: where it meets a malformed escape it leaves the rest alone, for the parser to refuse.
/// </summary>
internal static class JsonSanitiser
{
    private static ReadOnlySpan<byte> Replacement => [0xEF, 0xBF, 0xBD];

    /// <summary>The same memory when it is clean (nearly always); else a cleaned copy.</summary>
    public static ReadOnlyMemory<byte> Clean(ReadOnlyMemory<byte> json)
    {
        if (LooksClean(json.Span))
            return json;
        var scan = new Scan(json.Span);
        return scan.Run() is { } cleaned ? cleaned.WrittenMemory : json;
    }

    // Three vectorised passes settle almost every body. A surrogate pair written as escapes is well, but only the slow scan can tell.
    private static bool LooksClean(ReadOnlySpan<byte> json) =>
        Utf8.IsValid(json) && !json.Contains((byte)0) && !HasSuspiciousEscape(json);

    private static bool HasSuspiciousEscape(ReadOnlySpan<byte> json)
    {
        for (var found = json.IndexOf("\\u"u8); found >= 0;)
        {
            json = json[(found + 2)..];
            if (json.Length < 4 || json.StartsWith("0000"u8) || json[0] is (byte)'d' or (byte)'D')
                return true;
            found = json.IndexOf("\\u"u8);
        }
        return false;
    }

    private ref struct Scan(ReadOnlySpan<byte> json)
    {
        private readonly ReadOnlySpan<byte> _json = json;
        private ArrayBufferWriter<byte>? _output;
        private int _position;
        private int _kept;

        /// <summary>The cleaned text, or null when there was nothing to change.</summary>
        public ArrayBufferWriter<byte>? Run()
        {
            var inString = false;
            while (_position < _json.Length)
            {
                var next = _json[_position];
                if (next == '"')
                    inString = !inString;
                if (!inString || next is not ((byte)'\\' or 0 or >= 0x80))
                    _position++;
                else if (next == 0)
                    Replace(1, []);
                else if (next == '\\')
                    StepOverEscape();
                else if (Rune.DecodeFromUtf8(_json[_position..], out _, out var length) == OperationStatus.Done)
                    _position += length;
                else
                    Replace(length, Replacement);
            }
            _output?.Write(_json[_kept..]);
            return _output;
        }

        private void StepOverEscape()
        {
            if (_position + 1 >= _json.Length || _json[_position + 1] is 0 or >= 0x80)
                _position = _json.Length;
            else if (_json[_position + 1] != 'u')
                _position += 2;
            else if (CodeUnitAt(_position) is not { } unit)
                _position = _json.Length;
            else if (unit == 0)
                Replace(6, []);
            else if (char.IsHighSurrogate(unit) && CodeUnitAt(_position + 6) is { } second && char.IsLowSurrogate(second))
                _position += 12;
            else if (char.IsSurrogate(unit))
                Replace(6, Replacement);
            else
                _position += 6;
        }

        private readonly char? CodeUnitAt(int position)
        {
            if (position + 6 > _json.Length || _json[position] != '\\' || _json[position + 1] != 'u')
                return null;
            var unit = 0;
            foreach (var digit in _json.Slice(position + 2, 4))
            {
                if (!char.IsAsciiHexDigit((char)digit))
                    return null;
                unit = (unit << 4) | Convert.ToInt32(char.ToString((char)digit), 16);
            }
            return (char)unit;
        }

        private void Replace(int length, ReadOnlySpan<byte> replacement)
        {
            _output ??= new ArrayBufferWriter<byte>(_json.Length + 16);
            _output.Write(_json[_kept.._position]);
            _output.Write(replacement);
            _position += length;
            _kept = _position;
        }
    }
}
