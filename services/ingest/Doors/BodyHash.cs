using System.Buffers;
using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace WhatsAppMesh.Ingest;

/// <summary>
/// What tells two bodies under one event id apart: the first 16 bytes of SHA-256 over type and sanitised payload. Parts are divided by a
/// zero byte, which neither can hold.
/// </summary>
internal static class BodyHash
{
    private static readonly TimeSpan RosterBucket = TimeSpan.FromMinutes(15);

    /// <summary>Hash of an event's body; for a roster also of the 15-minute bucket in which it was received.</summary>
    public static Guid Of(string type, ReadOnlySpan<byte> payload, DateTimeOffset receivedAt)
    {
        if (!IsRoster(type, payload))
            return Hash(type, payload, []);
        // A collector gives an unchanged roster the same id for ever: without the bucket it could never heal a missed rejoin.
        Span<byte> bucket = stackalloc byte[9];
        bucket[0] = 0;
        BinaryPrimitives.WriteInt64BigEndian(bucket[1..], receivedAt.UtcTicks / RosterBucket.Ticks);
        return Hash(type, payload, bucket);
    }

    /// <summary>Hash of a derived event: of type and id alone, so that its id is a duplicate whatever the body says.</summary>
    public static Guid OfDerived(string type, Guid eventId)
    {
        Span<byte> id = stackalloc byte[16];
        eventId.TryWriteBytes(id, bigEndian: true, out _);
        return Hash(type, id, "\0derived"u8);
    }

    private static bool IsRoster(string type, ReadOnlySpan<byte> payload) =>
        type is EventTypes.GroupsMetadata or EventTypes.GroupsUpsert || (type == EventTypes.GroupsUpdate && HasParticipants(payload));

    private static bool HasParticipants(ReadOnlySpan<byte> payload)
    {
        var reader = new Utf8JsonReader(payload, EventReader.JsonOptions);
        if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject)
            return false;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (reader.ValueTextEquals("participants"u8))
                return reader.Read() && reader.TokenType == JsonTokenType.StartArray;
            reader.Skip();
        }
        return false;
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
