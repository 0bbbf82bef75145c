using System.Buffers;
using System.IO.Pipelines;

namespace WhatsAppMesh.DevSidecar.Http;

/// <summary>A request body read whole into pooled memory; dispose it to give the memory back.</summary>
internal readonly struct PublishBody : IDisposable
{
    private readonly byte[] _bytes;

    private PublishBody(byte[] bytes, int length)
    {
        _bytes = bytes;
        Content = new ArraySegment<byte>(bytes, 0, length);
    }

    /// <summary>The body.</summary>
    public ArraySegment<byte> Content { get; }

    /// <summary>Reads the body.</summary>
    /// <param name="request">Request whose body nobody has read yet.</param>
    /// <param name="limit">Largest size in bytes.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>The body, or null when it is larger than the limit.</returns>
    public static async Task<PublishBody?> ReadAsync(HttpRequest request, long limit, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(request);
        if (request.ContentLength > limit)
            return null;

        var bytes = ArrayPool<byte>.Shared.Rent((int)Math.Min(request.ContentLength ?? 4096, limit) + 1);
        var length = 0;
        try
        {
            while (true)
            {
                var read = await request.BodyReader.ReadAsync(cancellationToken);
                if (length + read.Buffer.Length > limit)
                {
                    request.BodyReader.AdvanceTo(read.Buffer.End);
                    ArrayPool<byte>.Shared.Return(bytes);
                    return null;
                }

                Append(read, ref bytes, ref length);
                request.BodyReader.AdvanceTo(read.Buffer.End);
                if (read.IsCompleted)
                    return new PublishBody(bytes, length);
            }
        }
        catch
        {
            ArrayPool<byte>.Shared.Return(bytes);
            throw;
        }
    }

    /// <inheritdoc />
    public void Dispose() => ArrayPool<byte>.Shared.Return(_bytes);

    private static void Append(ReadResult read, ref byte[] bytes, ref int length)
    {
        var needed = length + (int)read.Buffer.Length;
        if (needed > bytes.Length)
        {
            var larger = ArrayPool<byte>.Shared.Rent(Math.Max(needed, bytes.Length * 2));
            bytes.AsSpan(0, length).CopyTo(larger);
            ArrayPool<byte>.Shared.Return(bytes);
            bytes = larger;
        }

        read.Buffer.CopyTo(bytes.AsSpan(length));
        length = needed;
    }
}
