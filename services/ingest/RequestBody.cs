using System.Buffers;

namespace WhatsAppMesh.Ingest;

/// <summary>A request's body in pooled memory, which goes back to the pool on dispose.</summary>
internal sealed class RequestBody : IDisposable
{
    private byte[] _buffer;
    private int _length;

    private RequestBody(int capacity) => _buffer = ArrayPool<byte>.Shared.Rent(capacity);

    /// <summary>The body without a byte order mark. Valid until dispose.</summary>
    public ReadOnlyMemory<byte> Bytes
    {
        get
        {
            var bytes = _buffer.AsMemory(0, _length);
            return bytes.Span.StartsWith("\uFEFF"u8) ? bytes[3..] : bytes;
        }
    }

    /// <summary>
    /// Reads a body to its end; null when it is longer than <paramref name="limit"/> bytes. That, too, is read to its end: a client that is
    /// still sending when the connection closes hears no answer, and would send for ever.
    /// </summary>
    /// <exception cref="IOException">The client went away.</exception>
    public static async Task<RequestBody?> ReadAsync(HttpRequest request, int limit)
    {
        if (request.ContentLength > limit)
        {
            await request.Body.CopyToAsync(Stream.Null);
            return null;
        }
        var body = new RequestBody((int)(request.ContentLength ?? 4096) + 1);
        try
        {
            if (await body.FillAsync(request.Body, limit))
                return body;
        }
        catch
        {
            body.Dispose();
            throw;
        }
        body.Dispose();
        return null;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        ArrayPool<byte>.Shared.Return(_buffer);
        _buffer = [];
        _length = 0;
    }

    private async ValueTask<bool> FillAsync(Stream stream, int limit)
    {
        // One byte of room beyond the expected end lets the last read say that it was the last, without growing.
        while (await stream.ReadAsync(_buffer.AsMemory(_length)) is var read and > 0)
        {
            _length += read;
            if (_length > limit)
            {
                await stream.CopyToAsync(Stream.Null);
                return false;
            }
            if (_length == _buffer.Length)
                Grow();
        }
        return true;
    }

    private void Grow()
    {
        var bigger = ArrayPool<byte>.Shared.Rent(_buffer.Length * 2);
        _buffer.AsSpan(0, _length).CopyTo(bigger);
        ArrayPool<byte>.Shared.Return(_buffer);
        _buffer = bigger;
    }
}
