using System.Buffers;

namespace System.IO.Hashing;

/// <summary>A hash for tables and checksums, fed piece by piece. Gives no protection against someone who wants collisions.</summary>
public abstract class NonCryptographicHashAlgorithm
{
    private const int ReadSize = 4096;

    /// <summary>Creates an algorithm with hashes of a fixed length.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The length is not positive.</exception>
    protected NonCryptographicHashAlgorithm(int hashLengthInBytes)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(hashLengthInBytes);
        HashLengthInBytes = hashLengthInBytes;
    }

    /// <summary>Length of a hash, in bytes.</summary>
    public int HashLengthInBytes { get; }

    /// <summary>Adds bytes to what is hashed.</summary>
    public abstract void Append(ReadOnlySpan<byte> source);

    /// <summary>Forgets everything that was added.</summary>
    public abstract void Reset();

    /// <summary>Adds bytes to what is hashed.</summary>
    public void Append(byte[] source)
    {
        ArgumentNullException.ThrowIfNull(source);
        Append(source.AsSpan());
    }

    /// <summary>Adds the rest of a stream to what is hashed.</summary>
    public void Append(Stream stream)
    {
        ArgumentNullException.ThrowIfNull(stream);
        var buffer = ArrayPool<byte>.Shared.Rent(ReadSize);
        try
        {
            int read;
            while ((read = stream.Read(buffer)) > 0)
                Append(buffer.AsSpan(0, read));
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    /// <summary>The hash of what was added so far.</summary>
    public byte[] GetCurrentHash()
    {
        var hash = new byte[HashLengthInBytes];
        GetCurrentHashCore(hash);
        return hash;
    }

    /// <summary>Writes the hash of what was added so far and returns its length.</summary>
    /// <exception cref="ArgumentException">The destination is too short.</exception>
    public int GetCurrentHash(Span<byte> destination) => TryGetCurrentHash(destination, out var written) ? written : throw TooShort();

    /// <summary>Writes the hash of what was added so far; false when the destination is too short.</summary>
    public bool TryGetCurrentHash(Span<byte> destination, out int bytesWritten)
    {
        if (destination.Length < HashLengthInBytes)
        {
            bytesWritten = 0;
            return false;
        }
        GetCurrentHashCore(destination[..HashLengthInBytes]);
        bytesWritten = HashLengthInBytes;
        return true;
    }

    /// <summary>The hash of what was added so far, which is then forgotten.</summary>
    public byte[] GetHashAndReset()
    {
        var hash = new byte[HashLengthInBytes];
        GetHashAndResetCore(hash);
        return hash;
    }

    /// <summary>Writes the hash of what was added so far, forgets that, and returns the hash's length.</summary>
    /// <exception cref="ArgumentException">The destination is too short.</exception>
    public int GetHashAndReset(Span<byte> destination) => TryGetHashAndReset(destination, out var written) ? written : throw TooShort();

    /// <summary>Writes the hash of what was added so far and forgets that; false, with nothing forgotten, when the destination is too short.</summary>
    public bool TryGetHashAndReset(Span<byte> destination, out int bytesWritten)
    {
        if (destination.Length < HashLengthInBytes)
        {
            bytesWritten = 0;
            return false;
        }
        GetHashAndResetCore(destination[..HashLengthInBytes]);
        bytesWritten = HashLengthInBytes;
        return true;
    }

    /// <summary>Writes the hash into a destination of exactly its length.</summary>
    protected abstract void GetCurrentHashCore(Span<byte> destination);

    /// <summary>Writes the hash into a destination of exactly its length, then resets.</summary>
    protected virtual void GetHashAndResetCore(Span<byte> destination)
    {
        GetCurrentHashCore(destination);
        Reset();
    }

    private static ArgumentException TooShort() => new("The destination is shorter than the hash.", "destination");
}
