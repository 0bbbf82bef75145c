using System.Buffers.Binary;
using System.Net;

namespace WhatsAppMesh.DevSidecar.Invoke;

/// <summary>The content of an answer of which the first bytes have been read already.</summary>
internal sealed class FirstBytesContent : HttpContent
{
    /// <summary>A byte of flags and four of length before each message.</summary>
    private const int MessagePrefix = 5;

    private readonly Stream _rest;
    private readonly ReadOnlyMemory<byte> _first;

    private FirstBytesContent(Stream rest, ReadOnlyMemory<byte> first, HttpContent original)
    {
        _rest = rest;
        _first = first;
        foreach (var (name, values) in original.Headers.NonValidated)
            Headers.TryAddWithoutValidation(name, (IEnumerable<string>)values);
    }

    /// <summary>Waits for the first bytes of an answer, which stay readable, or for its end.</summary>
    /// <returns>Whether there were any; when not, the answer's trailers are complete.</returns>
    public static async Task<bool> PeekAsync(HttpResponseMessage response, CancellationToken cancellationToken) =>
        (await PeekAsync(response, 1, cancellationToken)).Length > 0;

    /// <summary>The size of the first message of a gRPC answer; 0 when there is none. The answer stays readable.</summary>
    public static async Task<long> PeekSizeAsync(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        var first = await PeekAsync(response, MessagePrefix, cancellationToken);
        return first.Length < MessagePrefix ? 0 : BinaryPrimitives.ReadUInt32BigEndian(first.Span[1..]);
    }

    private static async Task<ReadOnlyMemory<byte>> PeekAsync(HttpResponseMessage response, int least, CancellationToken cancellationToken)
    {
        var rest = await response.Content.ReadAsStreamAsync(cancellationToken);
        var buffer = new byte[4096];
        var read = await rest.ReadAtLeastAsync(buffer, least, throwOnEndOfStream: false, cancellationToken);
        response.Content = new FirstBytesContent(rest, buffer.AsMemory(0, read), response.Content);
        return buffer.AsMemory(0, read);
    }

    protected override Task<Stream> CreateContentReadStreamAsync() => Task.FromResult<Stream>(new JoinedStream(_first, _rest));

    protected override Stream CreateContentReadStream(CancellationToken cancellationToken) => new JoinedStream(_first, _rest);

    protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) => new JoinedStream(_first, _rest).CopyToAsync(stream);

    protected override bool TryComputeLength(out long length)
    {
        length = 0;
        return false;
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
            _rest.Dispose();
        base.Dispose(disposing);
    }

    private sealed class JoinedStream(ReadOnlyMemory<byte> first, Stream rest) : Stream
    {
        private ReadOnlyMemory<byte> _left = first;

        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => false;

        public override long Length => throw new NotSupportedException();

        public override long Position
        {
            get => throw new NotSupportedException();
            set => throw new NotSupportedException();
        }

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            if (_left.IsEmpty)
                return rest.ReadAsync(buffer, cancellationToken);

            var length = Math.Min(buffer.Length, _left.Length);
            _left[..length].CopyTo(buffer);
            _left = _left[length..];
            return ValueTask.FromResult(length);
        }

        public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
            ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

        public override int Read(byte[] buffer, int offset, int count) => ReadAsync(buffer.AsMemory(offset, count)).AsTask().GetAwaiter().GetResult();

        // Who stops reading closes this stream: the call behind it has to end with it.
        protected override void Dispose(bool disposing)
        {
            if (disposing)
                rest.Dispose();
            base.Dispose(disposing);
        }

        public override void Flush() => throw new NotSupportedException();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    }
}
