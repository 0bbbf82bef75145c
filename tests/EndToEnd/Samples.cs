using System.Text.Json;
using WhatsAppMesh.Collector;
using WhatsAppMesh.Mesh.Running;

namespace WhatsAppMesh.EndToEnd;

/// <summary>One signed sample event of the design: body as it was signed, and the headers it was signed with.</summary>
public sealed record Sample(string File, string EventId, bool IsFirstGeneration, SignedPost Post)
{
    /// <summary>Event type that the body says.</summary>
    public string Type => Envelope.GetProperty("type").GetString()!;

    /// <summary>Payload as it was sent.</summary>
    public string Payload => Envelope.GetProperty("payload").GetRawText();

    private JsonElement Envelope { get; } = JsonDocument.Parse(Post.Body).RootElement;
}

/// <summary>The design's sample events: <c>$MESH_SHARED</c>, else <c>../shared</c> beside the repository.</summary>
public static class Samples
{
    private static readonly string Folder = Path.Combine(
        Environment.GetEnvironmentVariable("MESH_SHARED") ?? Path.Combine(MeshRepository.Find(), "..", "shared"), "payloads");

    /// <summary>All that a collector posts. The few that come without a signature are signed here, under the id that the collector would give.</summary>
    public static IReadOnlyList<Sample> All { get; } = Load();

    /// <summary>The sample whose file begins so.</summary>
    public static Sample Of(string prefix) => All.Single(s => s.File.StartsWith(prefix, StringComparison.Ordinal));

    private static List<Sample> Load()
    {
        using var index = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(Folder, "00_index.json")));
        return [.. index.RootElement.GetProperty("files").EnumerateArray()
            .Where(f => f.GetProperty("contract").GetString()!.StartsWith("ingest ", StringComparison.Ordinal))
            .Select(Read)];
    }

    private static Sample Read(JsonElement entry)
    {
        var file = entry.GetProperty("file").GetString()!;
        var isFirst = entry.GetProperty("contract").GetString() == "ingest v1";
        var body = PayloadJson.Compact(File.ReadAllBytes(Path.Combine(Folder, file)));
        var headers = entry.TryGetProperty("headers", out var written)
            ? [.. written.EnumerateObject().Select(h => KeyValuePair.Create(h.Name, h.Value.GetString()!))]
            : SignedHere(body);
        var post = new SignedPost(isFirst ? CollectorSigner.V1Path : CollectorSigner.V2Path, body, headers);
        return new Sample(file, headers.Single(h => h.Key == "X-Event-Id").Value, isFirst, post);
    }
    private static IReadOnlyList<KeyValuePair<string, string>> SignedHere(byte[] body)
    {
        using var envelope = JsonDocument.Parse(body);
        var id = EventIds.For(envelope.RootElement.GetProperty("type").GetString()!, envelope.RootElement.GetProperty("payload"));
        return new CollectorSigner(MeshUnderTest.Secret, TimeProvider.System).SignBody(body, id.ToString(), SigningScheme.V2).Headers;
    }
}
