using System.Buffers;

namespace WhatsAppMesh.Edge.Limits;

/// <summary>What became of appending to a body.</summary>
public enum AppendVerdict
{
    /// <summary>The bytes are in.</summary>
    Appended,

    /// <summary>The body would be over its cap.</summary>
    OverCap,

    /// <summary>All bodies in flight together would hold too much.</summary>
    OverBudget,
}

/// <summary>
/// One request's body in pooled memory that grows with what has really arrived, so that a client who only announces a large body, or sends
/// it slowly, holds almost nothing.
/// </summary>
/// <remarks>Not for concurrent use. After <see cref="Dispose"/> the memory belongs to somebody else.</remarks>
public sealed class PooledBody(BodyBudget budget, int cap) : IDisposable
{
    private const int FirstSize = 4 * 1024;

    private byte[] _buffer = [];

    /// <summary>Bytes received so far.</summary>
    public int Length { get; private set; }

    /// <summary>What has been received; valid until the next append or <see cref="Dispose"/>.</summary>
    public ReadOnlySpan<byte> Span => _buffer.AsSpan(0, Length);

    /// <summary>A stream over what has been received; it must not be read after <see cref="Dispose"/>.</summary>
    public MemoryStream OpenRead() => new(_buffer, 0, Length, writable: false);

    /// <summary>Appends bytes.</summary>
    public AppendVerdict TryAppend(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length > cap - Length)
            return AppendVerdict.OverCap;
        if (bytes.Length > _buffer.Length - Length && !TryGrow(Length + bytes.Length))
            return AppendVerdict.OverBudget;
        bytes.CopyTo(_buffer.AsSpan(Length));
        Length += bytes.Length;
        return AppendVerdict.Appended;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        var buffer = _buffer;
        _buffer = [];
        Length = 0;
        if (buffer.Length == 0)
            return;
        budget.Release(buffer.Length);
        ArrayPool<byte>.Shared.Return(buffer);
    }

    private bool TryGrow(int atLeast)
    {
        var wanted = Math.Max(FirstSize, Math.Max(atLeast, (int)Math.Min((long)_buffer.Length * 2, cap)));
        var larger = ArrayPool<byte>.Shared.Rent(wanted);
        if (!budget.TryReserve(larger.Length, _buffer.Length))
        {
            ArrayPool<byte>.Shared.Return(larger);
            return false;
        }

        Span.CopyTo(larger);
        var smaller = _buffer;
        _buffer = larger;
        if (smaller.Length > 0)
        {
            budget.Release(smaller.Length);
            ArrayPool<byte>.Shared.Return(smaller);
        }

        return true;
    }
}
