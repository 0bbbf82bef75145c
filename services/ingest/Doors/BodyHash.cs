using System.Buffers;
using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace WhatsAppMesh.Ingest;

/// <summary>
/// What tells two bodies under one event id apart: the first 16 bytes of SHA-256 over type and sanitised payload. Parts are divided by a
/// zero byte, which neither can hold.
/// </summary>
internal static class BodyHash
{
    /// <summary>Hash of an event's body.</summary>
    public static Guid Of(string type, ReadOnlySpan<byte> payload) => Hash(type, payload, []);

    /// <summary>Hash of one observation among those with the same body: of the body's hash and when it was received, in microseconds.</summary>
    public static Guid OfObservation(string type, Guid body, DateTimeOffset receivedAt)
    {
        Span<byte> observed = stackalloc byte[24];
        body.TryWriteBytes(observed, bigEndian: true, out _);
        BinaryPrimitives.WriteInt64BigEndian(observed[16..], receivedAt.UtcTicks / TimeSpan.TicksPerMicrosecond);
        return Hash(type, observed, "\0observed"u8);
    }

    /// <summary>Hash of a derived event: of type and id alone, so that its id is a duplicate whatever the body says.</summary>
    public static Guid OfDerived(string type, Guid eventId)
    {
        Span<byte> id = stackalloc byte[16];
        eventId.TryWriteBytes(id, bigEndian: true, out _);
        return Hash(type, id, "\0derived"u8);
    }

    private static Guid Hash(string type, ReadOnlySpan<byte> body, ReadOnlySpan<byte> tail)
    {
        var length = Encoding.UTF8.GetByteCount(type) + 1 + body.Length + tail.Length;
        byte[]? rented = null;
        var input = length <= 2048 ? stackalloc byte[length] : (rented = ArrayPool<byte>.Shared.Rent(length)).AsSpan(0, length);
        var end = Encoding.UTF8.GetBytes(type, input);
        input[end++] = 0;
        body.CopyTo(input[end..]);
        tail.CopyTo(input[(end + body.Length)..]);
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(input, hash);
        if (rented is not null)
            ArrayPool<byte>.Shared.Return(rented);
        return new Guid(hash[..16], bigEndian: true);
    }
}
