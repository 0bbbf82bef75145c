using System.Buffers.Binary;
using System.Net;
using Grpc.Core;
using WhatsAppMesh.DevSidecar.Grpc;

namespace WhatsAppMesh.DevSidecar.Invoke;

/// <summary>
/// The request body of a gRPC call that may be sent several times: its first message is kept, and the end of the stream waited for.
/// </summary>
internal sealed class SingleMessageBody
{
    private const int PrefixLength = 5;
    private readonly Task<byte[]> _message;
    private readonly Task _end;

    public SingleMessageBody(Stream body, int maxMessageSize)
    {
        _message = ReadMessageAsync(body, maxMessageSize);
        _end = ReadEndAsync(body);
    }

    /// <summary>Why the body cannot be sent again, once that is known.</summary>
    public GrpcFailureException? Refusal =>
        (_message.Exception?.InnerException ?? _end.Exception?.InnerException) as GrpcFailureException;

    /// <summary>A request that is like the given one and sends the kept message.</summary>
    public HttpRequestMessage Copy(HttpRequestMessage request)
    {
        var copy = new HttpRequestMessage(request.Method, request.RequestUri) { Version = request.Version, VersionPolicy = request.VersionPolicy };
        foreach (var (name, values) in request.Headers.NonValidated)
            copy.Headers.TryAddWithoutValidation(name, (IEnumerable<string>)values);
        copy.Content = new Content(this);
        foreach (var (name, values) in request.Content!.Headers.NonValidated)
            copy.Content.Headers.TryAddWithoutValidation(name, (IEnumerable<string>)values);
        return copy;
    }

    private static async Task<byte[]> ReadMessageAsync(Stream body, int maxMessageSize)
    {
        var prefix = new byte[PrefixLength];
        var read = await body.ReadAtLeastAsync(prefix, PrefixLength, throwOnEndOfStream: false);
        if (read == 0)
            return [];

        var length = BinaryPrimitives.ReadUInt32BigEndian(prefix.AsSpan(1));
        if (length > maxMessageSize)
            throw new GrpcFailureException(StatusCode.ResourceExhausted, Messages.TooLarge(length, maxMessageSize));

        var message = new byte[PrefixLength + length];
        prefix.CopyTo(message, 0);
        await body.ReadExactlyAsync(message.AsMemory(PrefixLength));
        return message;
    }

    private async Task ReadEndAsync(Stream body)
    {
        await _message;
        if (await body.ReadAsync(new byte[1]) > 0)
            throw new GrpcFailureException(StatusCode.FailedPrecondition, "cannot use resiliency policies with retries on streaming RPCs");
    }

    private sealed class Content(SingleMessageBody body) : HttpContent
    {
        protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context)
        {
            await stream.WriteAsync(await body._message);
            await stream.FlushAsync();
            await body._end;
        }

        protected override bool TryComputeLength(out long length)
        {
            length = 0;
            return false;
        }
    }
}
