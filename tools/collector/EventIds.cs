using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace WhatsAppMesh.Collector;

/// <summary>
/// The collector's rule for event ids: a UUIDv5 (RFC 9562) in a namespace of its own over the event's type and what tells it from others,
/// joined with <c>|</c>. Two collectors in one group thus report one event under one id. Receivers treat the id as opaque.
/// </summary>
public static class EventIds
{
    /// <summary>The collector's namespace for version 5 UUIDs.</summary>
    public static readonly Guid Namespace = new("b5f8c1e2-3a4d-4f6b-9c7e-1d2a3b4c5d6e");

    /// <summary>The id of an event with this payload (one item, not the array that the library emitted).</summary>
    public static Guid For(string type, JsonElement payload) => type switch
    {
        "messages.upsert" => FromParts(type, Text(payload, "key", "remoteJid"), Text(payload, "key", "id")),
        "messages.reaction" => FromParts(
            type,
            Text(payload, "key", "id"),
            Text(payload, "reaction", "key", "participant") ?? Text(payload, "key", "participant"),
            Text(payload, "reaction", "text")),
        "group-participants.update" or "groups.metadata" => FromParts(type, Text(payload, "id"), CanonicalJson.Hash(payload)),
        _ => FromParts(
            type,
            Text(payload, "id") ?? Text(payload, "groupId") ?? Text(payload, "key", "remoteJid"),
            CanonicalJson.Hash(payload)),
    };

    /// <summary>The id over these parts; a missing part counts as empty.</summary>
    public static Guid FromParts(params ReadOnlySpan<string?> parts) => Version5(Namespace, string.Join('|', parts));

    /// <summary>UUID version 5: SHA-1 over the namespace (network byte order) and the UTF-8 name.</summary>
    public static Guid Version5(Guid space, string name)
    {
        var length = Encoding.UTF8.GetByteCount(name);
        var input = new byte[16 + length];
        space.TryWriteBytes(input, bigEndian: true, out _);
        Encoding.UTF8.GetBytes(name, input.AsSpan(16));
        Span<byte> hash = stackalloc byte[SHA1.HashSizeInBytes];
        SHA1.HashData(input, hash);
        hash[6] = (byte)((hash[6] & 0x0F) | 0x50);
        hash[8] = (byte)((hash[8] & 0x3F) | 0x80);
        return new Guid(hash[..16], bigEndian: true);
    }

    private static string? Text(JsonElement element, params ReadOnlySpan<string> path)
    {
        foreach (var name in path)
        {
            if (element.ValueKind != JsonValueKind.Object || !element.TryGetProperty(name, out element))
                return null;
        }
        return element.ValueKind == JsonValueKind.String ? element.GetString() : null;
    }
}
