using System.Text.Json;
using WhatsAppMesh.DevSidecar.Api;
using WhatsAppMesh.DevSidecar.State;

namespace WhatsAppMesh.DevSidecar.Http;

/// <summary>Reads the bodies of state requests. What is wrong with one is told by <see cref="DaprErrorException"/>.</summary>
internal static class StateRequests
{
    /// <summary>The items of a save: <c>[{key, value, etag, metadata, options}]</c>.</summary>
    public static IReadOnlyList<StateItem> ReadSave(ReadOnlyMemory<byte> body)
    {
        using var document = Parse(body);
        return [.. Items(document.RootElement, "the body").Select(item => ReadItem(item))];
    }

    /// <summary>The keys of a bulk read: <c>{keys: [...]}</c>. Parallelism is accepted and has no meaning: it is one statement.</summary>
    public static IReadOnlyList<string> ReadBulkGet(ReadOnlyMemory<byte> body)
    {
        using var document = Parse(body);
        var keys = Member(Object(document.RootElement, "the body"), "keys");
        return keys is { ValueKind: not JsonValueKind.Null } list ? [.. Items(list, "\"keys\"").Select(key => CheckKey(Text(key, "a key")))] : [];
    }

    /// <summary>The operations of a transaction: <c>{operations: [{operation, request}]}</c>.</summary>
    /// <exception cref="DaprErrorException">An operation is neither upsert nor delete.</exception>
    public static IReadOnlyList<StateOperation> ReadTransaction(ReadOnlyMemory<byte> body)
    {
        using var document = Parse(body);
        var operations = Member(Object(document.RootElement, "the body"), "operations");
        return operations is { ValueKind: not JsonValueKind.Null } list ? [.. Items(list, "\"operations\"").Select(ReadOperation)] : [];
    }

    private static StateOperation ReadOperation(JsonElement element)
    {
        var operation = Member(Object(element, "an operation"), "operation") is { } name ? Text(name, "\"operation\"") : "";
        var request = Member(element, "request") ?? throw Malformed("\"request\" is a required field of an operation");
        return operation switch
        {
            "upsert" => new StateOperation(Delete: false, ReadItem(request)),
            "delete" => new StateOperation(Delete: true, ReadItem(request)),
            _ => throw new DaprErrorException(ApiErrors.UnsupportedStateOperation(operation)),
        };
    }

    private static StateItem ReadItem(JsonElement element)
    {
        Object(element, "an item");
        var key = Member(element, "key") is { } name ? Text(name, "\"key\"") : "";
        var options = Member(element, "options") is { ValueKind: not JsonValueKind.Null } given ? Object(given, "\"options\"") : default;
        return new StateItem(
            CheckKey(key),
            Member(element, "value") is { } value ? Encode(value) : "null"u8.ToArray(),
            Member(element, "etag") is { } etag ? Text(etag, "\"etag\"") : null,
            Option(options, "concurrency"),
            Option(options, "consistency"),
            Member(element, "metadata") is { ValueKind: not JsonValueKind.Null } metadata ? ReadMetadata(metadata) : StateItem.NoMetadata);
    }

    private static string? Option(JsonElement options, string name) =>
        options.ValueKind == JsonValueKind.Object && Member(options, name) is { } value ? Text(value, $"\"{name}\"") : null;

    private static Dictionary<string, string> ReadMetadata(JsonElement element)
    {
        var metadata = new Dictionary<string, string>();
        foreach (var member in Object(element, "\"metadata\"").EnumerateObject())
            metadata[member.Name] = Text(member.Value, "a metadata value");
        return metadata;
    }

    /// <summary>The key itself, when there is one.</summary>
    /// <exception cref="DaprErrorException">It is empty.</exception>
    public static string CheckKey(string key) => key.Length > 0 ? key : throw Malformed("\"key\" is a required field");

    private static JsonDocument Parse(ReadOnlyMemory<byte> body)
    {
        try
        {
            return StateJson.Parse(body);
        }
        catch (JsonException e)
        {
            throw Malformed($"the body is not JSON (line {e.LineNumber + 1}, byte {e.BytePositionInLine + 1})");
        }
    }

    private static byte[] Encode(JsonElement value)
    {
        try
        {
            return StateJson.Encode(value);
        }
        catch (JsonException e)
        {
            throw Malformed(e.Message);
        }
    }

    // Field names match whatever their case, as in daprd; the exact one wins.
    private static JsonElement? Member(JsonElement element, string name)
    {
        if (element.TryGetProperty(name, out var exact))
            return exact;
        foreach (var member in element.EnumerateObject())
        {
            if (string.Equals(member.Name, name, StringComparison.OrdinalIgnoreCase))
                return member.Value;
        }

        return null;
    }

    private static JsonElement Object(JsonElement element, string what) =>
        element.ValueKind == JsonValueKind.Object ? element : throw Malformed($"{what} must be a JSON object");

    private static JsonElement.ArrayEnumerator Items(JsonElement element, string what) =>
        element.ValueKind == JsonValueKind.Array ? element.EnumerateArray() : throw Malformed($"{what} must be a JSON array");

    private static string Text(JsonElement element, string what) => element.ValueKind switch
    {
        JsonValueKind.String => StateJson.ReadString(element),
        JsonValueKind.Null => "",
        _ => throw Malformed($"{what} must be a JSON string"),
    };

    private static DaprErrorException Malformed(string message) => new(ApiErrors.MalformedRequest(message));
}
