using System.Net.Http.Headers;
using System.Text.Json;

namespace Dapr.Client;

/// <summary>Writes the bodies of state requests.</summary>
internal static class StateJson
{
    public static string? Name(ConcurrencyMode? mode) => mode switch
    {
        null => null,
        ConcurrencyMode.FirstWrite => "first-write",
        ConcurrencyMode.LastWrite => "last-write",
        _ => throw new ArgumentOutOfRangeException(nameof(mode), mode, "There is no such concurrency mode."),
    };

    public static string? Name(ConsistencyMode? mode) => mode switch
    {
        null => null,
        ConsistencyMode.Eventual => "eventual",
        ConsistencyMode.Strong => "strong",
        _ => throw new ArgumentOutOfRangeException(nameof(mode), mode, "There is no such consistency mode."),
    };

    public static HttpContent Content(Action<Utf8JsonWriter> write)
    {
        var buffer = new MemoryStream();
        using (var writer = new Utf8JsonWriter(buffer))
            write(writer);
        buffer.Position = 0;
        return new StreamContent(buffer) { Headers = { ContentType = new MediaTypeHeaderValue("application/json") } };
    }

    /// <summary>Writes <c>{"key","value","etag","metadata","options"}</c>, leaving out what is null.</summary>
    public static void WriteItem(
        Utf8JsonWriter writer,
        string key,
        Action<Utf8JsonWriter>? writeValue,
        string? etag,
        StateOptions? options,
        IReadOnlyDictionary<string, string>? metadata)
    {
        writer.WriteStartObject();
        writer.WriteString("key", key);
        if (writeValue is not null)
        {
            writer.WritePropertyName("value");
            writeValue(writer);
        }
        if (!string.IsNullOrEmpty(etag))
            writer.WriteString("etag", etag);
        WriteMetadata(writer, metadata);
        WriteOptions(writer, options);
        writer.WriteEndObject();
    }

    public static void WriteMetadata(Utf8JsonWriter writer, IReadOnlyDictionary<string, string>? metadata)
    {
        if (metadata is null || metadata.Count == 0)
            return;
        writer.WriteStartObject("metadata");
        foreach (var (name, value) in metadata)
            writer.WriteString(name, value);
        writer.WriteEndObject();
    }

    private static void WriteOptions(Utf8JsonWriter writer, StateOptions? options)
    {
        if (options is null)
            return;
        writer.WriteStartObject("options");
        if (Name(options.Concurrency) is { } concurrency)
            writer.WriteString("concurrency", concurrency);
        if (Name(options.Consistency) is { } consistency)
            writer.WriteString("consistency", consistency);
        writer.WriteEndObject();
    }
}
