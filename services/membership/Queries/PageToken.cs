using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Serialization;
using Google.Protobuf;

namespace WhatsAppMesh.Membership.Queries;

/// <summary>
/// Where the next page begins, bound to the request (tenant and filters) that it was given for. It holds nothing secret: a forged one
/// can only name another place in the caller's own rows.
/// </summary>
internal static partial class PageToken
{
    private const int MaxLength = 1024;
    private const int HashLength = 12;

    /// <summary>A token for the row with this sort key.</summary>
    /// <param name="request">The request with its page token and page size cleared.</param>
    /// <param name="key">Sort key of the last row of the page.</param>
    public static string Write(IMessage request, params string[] key) =>
        Base64Url.EncodeToString(JsonSerializer.SerializeToUtf8Bytes([HashOf(request), .. key], TokenJson.Default.StringArray));

    /// <summary>Reads a token; false when it is none, or belongs to another request.</summary>
    /// <param name="parts">Parts that the key must have.</param>
    public static bool TryRead(string text, IMessage request, int parts, out string[] key)
    {
        key = [];
        if (text.Length > MaxLength || !Base64Url.IsValid(text))
            return false;
        try
        {
            if (JsonSerializer.Deserialize(Base64Url.DecodeFromChars(text), TokenJson.Default.StringArray) is not { } all
                || all.Length != parts + 1 || all.Contains(null) || all[0] != HashOf(request))
                return false;
            key = all[1..];
            return true;
        }
        catch (JsonException)
        {
            return false;
        }
    }

    private static string HashOf(IMessage request) =>
        Base64Url.EncodeToString(SHA256.HashData([.. System.Text.Encoding.UTF8.GetBytes(request.Descriptor.FullName), .. request.ToByteArray()])[..HashLength]);

    [JsonSerializable(typeof(string[]))]
    private sealed partial class TokenJson : JsonSerializerContext;
}
