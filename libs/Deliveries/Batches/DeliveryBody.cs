using System.Buffers;
using Microsoft.AspNetCore.Http.Features;

namespace WhatsAppMesh.Deliveries;

/// <summary>A request's body in one pooled buffer, which goes back to the pool when this is disposed.</summary>
internal sealed class DeliveryBody : IDisposable
{
    private const int FirstBuffer = 64 * 1024;
    private byte[] _buffer;
    private int _length;

    private DeliveryBody(int capacity) => _buffer = ArrayPool<byte>.Shared.Rent(capacity);

    /// <summary>The body.</summary>
    public ReadOnlySpan<byte> Bytes => _buffer.AsSpan(0, _length);

    /// <summary>Reads a whole body.</summary>
    /// <exception cref="BadHttpRequestException">It is larger than <paramref name="maxBytes"/> (413).</exception>
    public static async Task<DeliveryBody> ReadAsync(HttpRequest request, long maxBytes, CancellationToken cancellationToken)
    {
        if (request.ContentLength > maxBytes)
            throw TooLarge(maxBytes);

        // The sidecar decides how much it puts into one bulk; the server's own limit is meant for strangers.
        if (request.HttpContext.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } limit)
            limit.MaxRequestBodySize = maxBytes;

        // One byte more than announced, so that the end is seen without growing.
        var body = new DeliveryBody(request.ContentLength is { } length ? (int)length + 1 : FirstBuffer);
        try
        {
            while (true)
            {
                if (body._length == body._buffer.Length)
                    body.Grow(maxBytes);
                var read = await request.Body.ReadAsync(body._buffer.AsMemory(body._length), cancellationToken);
                if (read == 0)
                    return body;
                body._length += read;
            }
        }
        catch
        {
            body.Dispose();
            throw;
        }
    }

    public void Dispose()
    {
        if (_buffer.Length > 0)
            ArrayPool<byte>.Shared.Return(_buffer);
        _buffer = [];
        _length = 0;
    }

    private void Grow(long maxBytes)
    {
        if (_length >= maxBytes)
            throw TooLarge(maxBytes);

        var larger = ArrayPool<byte>.Shared.Rent((int)Math.Min(maxBytes + 1, _buffer.Length * 2L));
        Bytes.CopyTo(larger);
        ArrayPool<byte>.Shared.Return(_buffer);
        _buffer = larger;
    }

    private static BadHttpRequestException TooLarge(long maxBytes) =>
        new($"The body is larger than {maxBytes} bytes.", StatusCodes.Status413PayloadTooLarge);
}
