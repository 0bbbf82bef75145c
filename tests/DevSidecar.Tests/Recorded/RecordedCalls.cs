using System.Text.Json.Nodes;

namespace WhatsAppMesh.DevSidecar.Tests.Recorded;

/// <summary>Calls to a real sidecar and its answers, and what is equal in two answers.</summary>
internal static class RecordedCalls
{
    public static IReadOnlyList<JsonNode> Read(string file) =>
        [.. JsonNode.Parse(File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "Recorded", "Calls", file)))!["cases"]!.AsArray().Select(node => node!)];

    public static string NameOf(JsonNode recorded) => recorded["name"]!.GetValue<string>();

    /// <summary>Pointers to what another run would not repeat, below a part of the case.</summary>
    public static IReadOnlyList<string> Varying(JsonNode recorded, string below) =>
        [.. (recorded["varies"]?.AsArray() ?? []).Select(pointer => pointer!.GetValue<string>()).Where(p => p.StartsWith(below + "/", StringComparison.Ordinal)).Select(p => p[below.Length..])];

    /// <summary>How the answer here differs from the recorded one; null when it does not.</summary>
    public static string? Difference(JsonNode? recorded, JsonNode? here, IReadOnlyList<string> varying)
    {
        var (expected, actual) = (recorded?.DeepClone(), here?.DeepClone());
        foreach (var pointer in varying)
        {
            Remove(expected, pointer);
            Remove(actual, pointer);
        }

        return JsonNode.DeepEquals(Plain(expected), Plain(actual)) ? null : $"recorded {Text(expected)}\n      here     {Text(actual)}";
    }

    /// <summary>The texts that a case gives for bytes, by pointer.</summary>
    public static string? TextAt(JsonNode recorded, string pointer) => recorded["texts"]?[pointer]?.GetValue<string>();

    /// <summary>Removes what a pointer names, as far as it is there.</summary>
    private static void Remove(JsonNode? node, string pointer)
    {
        var parts = pointer.Split('/')[1..].Select(part => part.Replace("~1", "/", StringComparison.Ordinal).Replace("~0", "~", StringComparison.Ordinal)).ToArray();
        foreach (var part in parts[..^1])
            node = node switch { JsonObject o => o[part], JsonArray a when int.TryParse(part, out var i) && i < a.Count => a[i], _ => null };
        if (node is JsonObject parent)
            parent.Remove(parts[^1]);
        else if (node is JsonArray list && int.TryParse(parts[^1], out var at) && at < list.Count)
            list[at] = null;
    }

    // An object that is there without anything in it says as little as one that is not there.
    private static JsonNode? Plain(JsonNode? node) => node switch
    {
        JsonObject o => new JsonObject(o.Select(m => KeyValuePair.Create(m.Key, Plain(m.Value))).Where(m => m.Value is not (null or JsonObject { Count: 0 }))),
        JsonArray a => new JsonArray([.. a.Select(Plain)]),
        _ => node?.DeepClone(),
    };

    private static string Text(JsonNode? node) => node?.ToJsonString(new() { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping }) ?? "nothing";
}
