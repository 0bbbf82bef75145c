using System.Text.Json;
using WhatsAppMesh.Events;

namespace WhatsAppMesh.Ingest;

/// <summary>
/// Takes out of a body of Evolution's what opens something: API keys and tokens (<c>apikey</c>, <c>api_key</c>, <c>instanceToken</c>,
/// <c>token</c>, <c>hash</c>) at the top, in <c>data</c> and in an <c>instance</c>, and what pairs a phone (<c>pairingCode</c>, and the
/// <c>code</c> and picture of a QR code, which holds the account's <c>advSecretKey</c>). The members go with one comma and the white space
/// before it; every other byte stays.
/// </summary>
internal ref struct EvolutionSecrets
{
    private static readonly JsonReaderOptions Options = new() { MaxDepth = CollectedEventJson.MaxPayloadDepth };

    // A name that could be a secret's is short, however it is escaped.
    private const int MaxNameBytes = 128;

    private readonly ReadOnlySpan<byte> _json;
    private readonly bool _isPairing;
    private readonly List<Range> _cuts = [];
    private Utf8JsonReader _reader;

    private EvolutionSecrets(ReadOnlySpan<byte> json, bool isPairing)
    {
        _json = json;
        _isPairing = isPairing;
        _reader = new Utf8JsonReader(json, Options);
    }

    // Where a member stands decides what its name means: inside a message "token" or "code" are somebody's words.
    private enum Place
    {
        Top,
        Data,
        QrCode,
        Elsewhere,
    }

    /// <summary>The body without secrets; the same memory when it holds none.</summary>
    /// <param name="json">A JSON object.</param>
    /// <param name="type">The event's type: in those that show a QR code, more is a secret.</param>
    public static ReadOnlyMemory<byte> Strip(ReadOnlyMemory<byte> json, string type)
    {
        var search = new EvolutionSecrets(json.Span, type is "evolution.qrcode.updated" or "evolution.qrcode");
        search._reader.Read();
        search.Object(Place.Top);
        return search._cuts.Count == 0 ? json : Without(json.Span, search._cuts);
    }

    private static byte[] Without(ReadOnlySpan<byte> json, List<Range> cuts)
    {
        var kept = new byte[json.Length - cuts.Sum(static cut => cut.End.Value - cut.Start.Value)];
        var (from, to) = (0, 0);
        foreach (var cut in cuts)
        {
            json[from..cut.Start.Value].CopyTo(kept.AsSpan(to));
            to += cut.Start.Value - from;
            from = cut.End.Value;
        }
        json[from..].CopyTo(kept.AsSpan(to));
        return kept;
    }

    // The reader stands on the object's brace and leaves it on the closing one.
    private void Object(Place place)
    {
        var (keptEnd, cutStart, cutEnd) = (-1, -1, -1);
        while (_reader.Read() && _reader.TokenType == JsonTokenType.PropertyName)
        {
            var start = (int)_reader.TokenStartIndex;
            var name = NameAt();
            _reader.Read();
            if (IsSecret(name, place))
            {
                _reader.Skip();
                if (cutStart < 0)
                    cutStart = keptEnd >= 0 ? keptEnd : start;
                cutEnd = (int)_reader.BytesConsumed;
                continue;
            }
            // Behind a member that stays the cut began with the comma; else it ends with the comma, where the next name begins.
            if (cutStart >= 0)
                _cuts.Add(cutStart..(keptEnd >= 0 ? cutEnd : start));
            cutStart = -1;
            Value(Below(name, place));
            keptEnd = (int)_reader.BytesConsumed;
        }
        if (cutStart >= 0)
            _cuts.Add(cutStart..cutEnd);
    }

    private void Value(Place place)
    {
        if (place == Place.Elsewhere)
            _reader.Skip();
        else if (_reader.TokenType == JsonTokenType.StartObject)
            Object(place);
        else if (_reader.TokenType == JsonTokenType.StartArray)
        {
            while (_reader.Read() && _reader.TokenType != JsonTokenType.EndArray)
                Value(place);
        }
    }

    // In lower case without '_' and '-': "apiKey", "api_key" and "instance_token" are as secret as the names that are known.
    private readonly string NameAt() => _reader.ValueSpan.Length > MaxNameBytes
        ? ""
        : string.Concat(_reader.GetString()!.Where(static c => c is not ('_' or '-'))).ToLowerInvariant();

    private readonly bool IsSecret(string name, Place place) => place switch
    {
        Place.Top => name is "apikey" or "instancetoken" or "token" or "hash",
        Place.Data => name is "apikey" or "instancetoken" or "token" or "hash" or "pairingcode"
            || (name == "qrcode" && _reader.TokenType == JsonTokenType.String)
            || (_isPairing && name is ("code" or "base64")),
        Place.QrCode => name is "apikey" or "token" or "pairingcode" or "code" or "base64",
        _ => false,
    };

    private static Place Below(string name, Place place) => (place, name) switch
    {
        (Place.Top, "data" or "instance") => Place.Data,
        (Place.Data, "instance") => Place.Data,
        (Place.Data, "qrcode") => Place.QrCode,
        _ => Place.Elsewhere,
    };
}
