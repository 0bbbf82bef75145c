using System.Buffers.Binary;
using Grpc.Core;
using WhatsAppMesh.DevSidecar.Grpc;

namespace WhatsAppMesh.DevSidecar.Invoke;

/// <summary>Reads through a gRPC request body and refuses a message larger than <c>--max-body-size</c>, as the real sidecar does.</summary>
internal sealed class MessageLimitStream(Stream body, long maxMessageSize) : Stream
{
    private const int PrefixLength = 5;
    private readonly byte[] _prefix = new byte[PrefixLength];
    private int _prefixRead;
    private long _left;

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    /// <exception cref="GrpcFailureException">A message is too large.</exception>
    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        var read = await body.ReadAsync(buffer, cancellationToken);
        Check(buffer.Span[..read]);
        return read;
    }

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override void Flush() => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    // A message is one byte of flags, four of length, and that many of content; reads cut them anywhere.
    private void Check(ReadOnlySpan<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            if (_left > 0)
            {
                var content = (int)Math.Min(_left, bytes.Length);
                _left -= content;
                bytes = bytes[content..];
                continue;
            }

            _prefix[_prefixRead++] = bytes[0];
            bytes = bytes[1..];
            if (_prefixRead < PrefixLength)
                continue;

            _prefixRead = 0;
            _left = BinaryPrimitives.ReadUInt32BigEndian(_prefix.AsSpan(1));
            if (_left > maxMessageSize)
                throw new GrpcFailureException(StatusCode.ResourceExhausted, Messages.TooLarge(_left, maxMessageSize));
        }
    }
}
