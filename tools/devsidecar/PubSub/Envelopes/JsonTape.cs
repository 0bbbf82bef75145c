using System.Buffers;
using System.Text.Json;

namespace WhatsAppMesh.DevSidecar.PubSub.Envelopes;

/// <summary>A JSON document as a flat list of its tokens, so that its members can be visited in any order without parsing again.</summary>
internal sealed class JsonTape : IDisposable
{
    /// <summary>Deeper documents count as no JSON (Go stops at 10,000).</summary>
    public const int MaxDepth = 512;

    private Entry[] _entries = ArrayPool<Entry>.Shared.Rent(64);
    private int[] _open = ArrayPool<int>.Shared.Rent(MaxDepth + 1);
    private int _count;
    private byte[] _source = [];
    private int _offset;

    /// <summary>One value or property name.</summary>
    /// <param name="Kind">Type of the token.</param>
    /// <param name="Start">Where its text begins: for strings and names after the quote.</param>
    /// <param name="End">Where its text ends: for strings and names before the quote.</param>
    /// <param name="Next">Index of the entry after it and all it contains.</param>
    /// <param name="Escaped">The string or name holds escapes.</param>
    public readonly record struct Entry(JsonTokenType Kind, int Start, int End, int Next, bool Escaped);

    public Entry this[int index] => _entries[index];

    public ReadOnlySpan<byte> Text(int index) => _source.AsSpan(_offset + _entries[index].Start, _entries[index].End - _entries[index].Start);

    /// <summary>Reads a document; its bytes must stay as they are while the tape is used.</summary>
    /// <returns>False when the bytes are not one JSON value.</returns>
    public bool TryRead(ArraySegment<byte> json)
    {
        _count = 0;
        _source = json.Array ?? [];
        _offset = json.Offset;
        var open = 0;
        var reader = new Utf8JsonReader(json, new JsonReaderOptions { MaxDepth = MaxDepth });
        try
        {
            while (reader.Read())
            {
                if (reader.TokenType is JsonTokenType.EndObject or JsonTokenType.EndArray)
                {
                    var begin = _open[--open];
                    _entries[begin] = _entries[begin] with { End = (int)reader.BytesConsumed, Next = _count };
                    continue;
                }

                if (reader.TokenType is JsonTokenType.StartObject or JsonTokenType.StartArray)
                    _open[open++] = _count;
                Add(ref reader);
            }
        }
        catch (JsonException)
        {
            return false;
        }

        return _count > 0;
    }

    public void Dispose()
    {
        ArrayPool<Entry>.Shared.Return(_entries);
        ArrayPool<int>.Shared.Return(_open);
        _entries = [];
        _open = [];
    }

    private void Add(ref Utf8JsonReader reader)
    {
        if (_count == _entries.Length)
        {
            var larger = ArrayPool<Entry>.Shared.Rent(_count * 2);
            _entries.AsSpan(0, _count).CopyTo(larger);
            ArrayPool<Entry>.Shared.Return(_entries);
            _entries = larger;
        }

        var quoted = reader.TokenType is JsonTokenType.String or JsonTokenType.PropertyName ? 1 : 0;
        var start = (int)reader.TokenStartIndex + quoted;
        _entries[_count++] = new Entry(reader.TokenType, start, start + reader.ValueSpan.Length, _count, reader.ValueIsEscaped);
    }
}
