using System.Text;
using System.Text.Json;

namespace WhatsAppMesh.Edge.Tests.Driving;

/// <summary>The recorded sample events, with the signatures that real collectors would send.</summary>
public static class Samples
{
    private static readonly string Folder = Path.Combine(FindShared(), "payloads");

    /// <summary>One sample with headers.</summary>
    public sealed record Sample(string File, string Contract, string EventId, string Signature, string Body);

    public static IReadOnlyList<Sample> Signed { get; } = ReadSigned();

    public static JsonElement Vectors { get; } = ReadJson("00_vectors.json");

    // JSON.stringify of what a file holds: its own text without the white space between tokens.
    private static string Compact(string text)
    {
        var compact = new StringBuilder(text.Length);
        var inString = false;
        for (var i = 0; i < text.Length; i++)
        {
            if (inString && text[i] == '\\')
                compact.Append(text[i++]);
            else if (text[i] == '"')
                inString = !inString;
            if (inString || !char.IsWhiteSpace(text[i]))
                compact.Append(text[i]);
        }

        return compact.ToString();
    }

    private static List<Sample> ReadSigned()
    {
        var samples = new List<Sample>();
        foreach (var entry in ReadJson("00_index.json").GetProperty("files").EnumerateArray())
        {
            if (!entry.TryGetProperty("headers", out var headers))
                continue;
            var file = entry.GetProperty("file").GetString()!;
            samples.Add(new Sample(
                file,
                entry.GetProperty("contract").GetString()!,
                headers.GetProperty("X-Event-Id").GetString()!,
                headers.GetProperty("X-Signature").GetString()!,
                Compact(File.ReadAllText(Path.Combine(Folder, file)))));
        }

        return samples;
    }

    private static JsonElement ReadJson(string file)
    {
        using var document = JsonDocument.Parse(File.ReadAllText(Path.Combine(Folder, file)));
        return document.RootElement.Clone();
    }

    private static string FindShared()
    {
        if (Environment.GetEnvironmentVariable("MESH_SHARED") is { Length: > 0 } shared)
            return shared;
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "global.json")))
            folder = folder.Parent;
        return folder?.Parent is { } parent
            ? Path.Combine(parent.FullName, "shared")
            : throw new InvalidOperationException("Set MESH_SHARED to the folder that holds payloads/.");
    }
}
