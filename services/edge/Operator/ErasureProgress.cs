using System.Buffers.Text;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace WhatsAppMesh.Edge.Operator;

/// <summary>How far an erasure has come: everything before is done.</summary>
/// <param name="ErasureId">Whose progress it is.</param>
/// <param name="Service">App id of the service whose turn it is.</param>
/// <param name="Page">Where it goes on; empty at its beginning.</param>
/// <param name="Heads">Newest position by log that the lake has erased; empty while it is at it.</param>
/// <param name="Usernames">The person's usernames that the lake has found; empty while it is at it.</param>
internal sealed record ErasureProgress(
    string ErasureId, string Service, string Page, IReadOnlyDictionary<int, long> Heads, IReadOnlyList<string> Usernames)
{
    /// <summary>The progress as the caller keeps it.</summary>
    public string ToText() => Base64Url.EncodeToString(JsonSerializer.SerializeToUtf8Bytes(this, ProgressJson.Default.ErasureProgress));

    /// <summary>Reads it back; null when it is none of this erasure.</summary>
    public static ErasureProgress? Read(string text, string erasureId)
    {
        if (!Base64Url.IsValid(text))
            return null;
        try
        {
            var progress = JsonSerializer.Deserialize(Base64Url.DecodeFromChars(text), ProgressJson.Default.ErasureProgress);
            return progress?.ErasureId == erasureId ? progress : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }
}

[JsonSourceGenerationOptions(RespectNullableAnnotations = true, RespectRequiredConstructorParameters = true)]
[JsonSerializable(typeof(ErasureProgress))]
internal sealed partial class ProgressJson : JsonSerializerContext;
