using System.Globalization;
using WhatsAppMesh.DevSidecar.Resiliency;

namespace WhatsAppMesh.DevSidecar.PubSub.Envelopes;

/// <summary>Metadata of a publish request or of one of its entries. Goes along with the message; some of it shapes the envelope.</summary>
internal sealed class PublishMetadata
{
    /// <summary>Ten years: no message lives longer, and no sum of times overflows.</summary>
    private const long Longest = 10L * 365 * 24 * 60 * 60;

    private readonly SortedDictionary<string, string> _values = new(StringComparer.Ordinal);

    public int Count => _values.Count;

    public IReadOnlyDictionary<string, string> Values => _values;

    /// <summary>Metadata as gRPC carries it.</summary>
    public static PublishMetadata From(IEnumerable<KeyValuePair<string, string>> values)
    {
        var metadata = new PublishMetadata();
        foreach (var (name, value) in values)
            metadata[name] = value;
        return metadata;
    }

    public string this[string name]
    {
        set => _values[name] = value;
    }

    /// <summary>A value by name; names compare without case.</summary>
    public string? Find(string name)
    {
        foreach (var (key, value) in _values)
        {
            if (key.Equals(name, StringComparison.OrdinalIgnoreCase))
                return value;
        }

        return null;
    }

    /// <summary>Adds what another set has and this one lacks.</summary>
    public void AddMissing(PublishMetadata other)
    {
        foreach (var (name, value) in other._values)
            _values.TryAdd(name, value);
    }

    /// <summary>The query parameters metadata.X=Y of a request.</summary>
    public static PublishMetadata FromQuery(IQueryCollection query)
    {
        const string Prefix = "metadata.";
        var metadata = new PublishMetadata();
        foreach (var (name, values) in query)
        {
            if (name.StartsWith(Prefix, StringComparison.OrdinalIgnoreCase) && name.Length > Prefix.Length)
                metadata[name[Prefix.Length..]] = values[0] ?? "";
        }

        return metadata;
    }

    /// <summary>rawPayload: the data goes as it is, without an envelope.</summary>
    /// <returns>False when its value is no truth value.</returns>
    public bool TryGetRawPayload(out bool raw)
    {
        raw = false;
        return Find("rawPayload") is not { } text || TryParseFlag(text, out raw);
    }

    /// <summary>
    /// ttl, else ttlInSeconds: how long the message is worth delivering; null when absent or senseless, which Dapr ignores too. Either may
    /// be a duration or a number of seconds above 0; "0" is the duration of no time at all, so that the message has expired already.
    /// </summary>
    public TimeSpan? TimeToLive()
    {
        var text = Find("ttl") is { Length: > 0 } ttl ? ttl : Find("ttlInSeconds");
        if (string.IsNullOrEmpty(text))
            return null;
        if (text is "0" or "+0" or "-0")
            return TimeSpan.Zero;
        if (long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var seconds))
            return seconds > 0 ? TimeSpan.FromSeconds(Math.Min(seconds, Longest)) : null;

        return Durations.Parse(text) is { } time ? TimeSpan.FromTicks(Math.Max(time.Ticks, 0)) : null;
    }

    /// <summary>The metadata as a JSON object with sorted names, the form it is stored and delivered in; null when there is none.</summary>
    public string? ToJson()
    {
        if (_values.Count == 0)
            return null;

        using var json = new ByteBuffer(256);
        var separator = (byte)'{';
        foreach (var (name, value) in _values)
        {
            json.Write(separator);
            GoString.Write(name, json);
            json.Write((byte)':');
            GoString.Write(value, json);
            separator = (byte)',';
        }

        json.Write((byte)'}');
        // PostgreSQL's text has no NUL; its escape stands for it all the same.
        return System.Text.Encoding.UTF8.GetString(json.Written);
    }

    /// <summary>Truth values as Go's strconv.ParseBool reads them.</summary>
    public static bool TryParseFlag(string text, out bool value)
    {
        value = text is "1" or "t" or "T" or "true" or "TRUE" or "True";
        return value || text is "0" or "f" or "F" or "false" or "FALSE" or "False";
    }
}
