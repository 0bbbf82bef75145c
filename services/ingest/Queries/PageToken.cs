using System.Buffers.Binary;
using System.Buffers.Text;
using System.Security.Cryptography;
using Google.Protobuf;
using WhatsAppMesh.Ingest.V1;

namespace WhatsAppMesh.Ingest;

/// <summary>
/// Where the next page begins, bound to the filter (and so the tenant) that it was given for: 12 bytes of key, 8 of the filter's hash.
/// It holds nothing secret: a forged one can only name another place in the caller's own events.
/// </summary>
internal readonly record struct PageToken(int Log, long Position)
{
    private const int KeyLength = 12;
    private const int Length = KeyLength + 8;

    /// <summary>The token as text that fits a URL.</summary>
    public string ToText(EventFilter filter)
    {
        Span<byte> bytes = stackalloc byte[Length];
        BinaryPrimitives.WriteInt32BigEndian(bytes, Log);
        BinaryPrimitives.WriteInt64BigEndian(bytes[4..], Position);
        HashOf(filter).CopyTo(bytes[KeyLength..]);
        return Base64Url.EncodeToString(bytes);
    }

    /// <summary>Reads a token; false when it is none, or belongs to another filter.</summary>
    public static bool TryRead(string text, EventFilter filter, out PageToken token)
    {
        Span<byte> bytes = stackalloc byte[Length];
        token = default;
        if (text.Length > 32 || !Base64Url.IsValid(text, out var length) || length != Length || !Base64Url.TryDecodeFromChars(text, bytes, out _))
            return false;
        token = new PageToken(BinaryPrimitives.ReadInt32BigEndian(bytes), BinaryPrimitives.ReadInt64BigEndian(bytes[4..]));
        return bytes[KeyLength..].SequenceEqual(HashOf(filter));
    }

    private static byte[] HashOf(EventFilter filter) => SHA256.HashData(filter.ToByteArray())[..(Length - KeyLength)];
}
