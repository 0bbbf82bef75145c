namespace WhatsAppMesh.DevSidecar.State;

/// <summary>
/// What Go's encoding/json says of a text that is not JSON: daprd passes it on to callers. A scanner of states, as Go's own; the words
/// are those of its scanner.go.
/// </summary>
internal ref struct GoJsonSyntax
{
    private const string Ended = "unexpected end of JSON input";

    private readonly ReadOnlySpan<byte> _text;
    private int _at;
    private int _depth;

    private GoJsonSyntax(ReadOnlySpan<byte> text) => _text = text;

    /// <summary>Null when the text is one JSON value, else what is wrong with it.</summary>
    public static string? Check(ReadOnlySpan<byte> text)
    {
        var scan = new GoJsonSyntax(text);
        if (scan.Value("looking for beginning of value") is { } problem)
            return problem;

        scan.SkipSpace();
        return scan._at == text.Length ? null : scan.Invalid("after top-level value");
    }

    private string? Value(string context)
    {
        SkipSpace();
        if (_at == _text.Length)
            return Ended;
        switch (_text[_at])
        {
            case (byte)'{':
                return Nested(Object());
            case (byte)'[':
                return Nested(Array());
            case (byte)'"':
                return String();
            case (byte)'t':
                return Literal("true");
            case (byte)'f':
                return Literal("false");
            case (byte)'n':
                return Literal("null");
            case (byte)'-' or (>= (byte)'0' and <= (byte)'9'):
                return Number();
            default:
                return Invalid(context);
        }
    }

    private string? Nested(string? problem)
    {
        _depth--;
        return problem;
    }

    private string? Object()
    {
        if (++_depth > 10_000)
            return "exceeded max depth";
        _at++;
        for (var first = true; ; first = false)
        {
            SkipSpace();
            if (_at == _text.Length)
                return Ended;
            if (first && Take('}'))
                return null;
            if (_text[_at] != '"')
                return Invalid("looking for beginning of object key string");
            if (String() is { } badName)
                return badName;
            SkipSpace();
            if (_at == _text.Length)
                return Ended;
            if (!Take(':'))
                return Invalid("after object key");
            if (Value("looking for beginning of value") is { } badValue)
                return badValue;
            SkipSpace();
            if (_at == _text.Length)
                return Ended;
            if (Take('}'))
                return null;
            if (!Take(','))
                return Invalid("after object key:value pair");
        }
    }

    private string? Array()
    {
        if (++_depth > 10_000)
            return "exceeded max depth";
        _at++;
        SkipSpace();
        if (Take(']'))
            return null;
        while (true)
        {
            if (Value("looking for beginning of value") is { } problem)
                return problem;
            SkipSpace();
            if (_at == _text.Length)
                return Ended;
            if (Take(']'))
                return null;
            if (!Take(','))
                return Invalid("after array element");
        }
    }

    private string? String()
    {
        for (_at++; _at < _text.Length; _at++)
        {
            switch (_text[_at])
            {
                case (byte)'"':
                    _at++;
                    return null;
                case (byte)'\\':
                    if (Escape() is { } problem)
                        return problem;
                    break;
                case < 0x20:
                    return Invalid("in string literal");
            }
        }

        return Ended;
    }

    /// <summary>Stops at the last character of the escape.</summary>
    private string? Escape()
    {
        if (++_at == _text.Length)
            return Ended;
        if (_text[_at] != 'u')
            return "bfnrt\\/\"".Contains((char)_text[_at], StringComparison.Ordinal) ? null : Invalid("in string escape code");
        for (var digits = 0; digits < 4; digits++)
        {
            if (++_at == _text.Length)
                return Ended;
            if (!char.IsAsciiHexDigit((char)_text[_at]))
                return Invalid("in \\u hexadecimal character escape");
        }

        return null;
    }

    private string? Literal(string word)
    {
        for (var i = 1; i < word.Length; i++)
        {
            if (++_at == _text.Length)
                return Ended;
            if (_text[_at] != word[i])
                return Invalid($"in literal {word} (expecting '{word[i]}')");
        }

        _at++;
        return null;
    }

    private string? Number()
    {
        if (_text[_at] == '-' && ++_at == _text.Length)
            return Ended;
        if (!Take('0') && !Digits())
            return Invalid("in numeric literal");
        if (Take('.') && !Digits())
            return _at == _text.Length ? Ended : Invalid("after decimal point in numeric literal");
        if (!Take('e') && !Take('E'))
            return null;
        _ = Take('+') || Take('-');
        return Digits() ? null : _at == _text.Length ? Ended : Invalid("in exponent of numeric literal");
    }

    private bool Digits()
    {
        var start = _at;
        while (_at < _text.Length && char.IsAsciiDigit((char)_text[_at]))
            _at++;
        return _at > start;
    }

    private bool Take(char wanted)
    {
        if (_at == _text.Length || _text[_at] != wanted)
            return false;
        _at++;
        return true;
    }

    private void SkipSpace()
    {
        while (_at < _text.Length && _text[_at] is (byte)' ' or (byte)'\t' or (byte)'\r' or (byte)'\n')
            _at++;
    }

    private readonly string Invalid(string context) => $"invalid character {Quote(_text[_at])} {context}";

    /// <summary>One byte in single quotes, as Go quotes it.</summary>
    private static string Quote(byte c) => c switch
    {
        (byte)'\'' => "'\\''",
        (byte)'"' => "'\"'",
        (byte)'\\' => "'\\\\'",
        (byte)'\n' => "'\\n'",
        (byte)'\r' => "'\\r'",
        (byte)'\t' => "'\\t'",
        0x07 => "'\\a'",
        0x08 => "'\\b'",
        0x0B => "'\\v'",
        0x0C => "'\\f'",
        < 0x20 or 0x7F => $"'\\x{c:x2}'",
        // Go takes the byte for a code point.
        >= 0x80 and < 0xA1 or 0xAD => $"'\\u{c:x4}'",
        _ => $"'{(char)c}'",
    };
}
