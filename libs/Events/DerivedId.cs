using System.Buffers;
using System.Security.Cryptography;
using System.Text;

namespace WhatsAppMesh.Events;

/// <summary>Deterministic event ids: the same name always gives the same id, so that a retry is a duplicate.</summary>
public static class DerivedId
{
    /// <summary>Namespace of every id that the mesh itself derives (triggers, leads, services' own facts). Never changes.</summary>
    public static readonly Guid Namespace = new("6f1d6f0e-7c52-5b0a-9a86-2d3c54b6a1e7");

    /// <summary>UUIDv5 of <paramref name="name"/> in the mesh's own namespace; parts are joined by <c>|</c> by convention.</summary>
    public static Guid Of(string name) => Of(Namespace, name);

    /// <summary>UUIDv5 (RFC 9562 section 5.5) of the UTF-8 bytes of <paramref name="name"/>.</summary>
    public static Guid Of(Guid @namespace, string name)
    {
        var length = 16 + Encoding.UTF8.GetByteCount(name);
        byte[]? rented = null;
        var input = length <= 512 ? stackalloc byte[length] : (rented = ArrayPool<byte>.Shared.Rent(length)).AsSpan(0, length);
        @namespace.TryWriteBytes(input, bigEndian: true, out _);
        Encoding.UTF8.GetBytes(name, input[16..]);
        Span<byte> hash = stackalloc byte[SHA1.HashSizeInBytes];
        // RFC 9562 names SHA-1 for version 5; nothing secret depends on it.
        SHA1.HashData(input, hash);
        if (rented is not null)
            ArrayPool<byte>.Shared.Return(rented);
        hash[6] = (byte)((hash[6] & 0x0F) | 0x50);
        hash[8] = (byte)((hash[8] & 0x3F) | 0x80);
        return new Guid(hash[..16], bigEndian: true);
    }
}
