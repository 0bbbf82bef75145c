using Google.Protobuf;
using Grpc.Core;

namespace WhatsAppMesh.DevSidecar.Grpc;

/// <summary>Reads and writes protobuf messages of gRPC calls.</summary>
internal static class Messages
{
    /// <param name="maxSize">Largest message in bytes that is read.</param>
    public static Marshaller<T> Of<T>(long maxSize)
        where T : class, IMessage<T>, new()
    {
        var parser = new MessageParser<T>(() => new T());
        return Marshallers.Create(
            (message, context) =>
            {
                context.SetPayloadLength(message.CalculateSize());
                message.WriteTo(context.GetBufferWriter());
                context.Complete();
            },
            context => context.PayloadLength <= maxSize
                ? parser.ParseFrom(context.PayloadAsReadOnlySequence())
                : throw new RpcException(new Status(StatusCode.ResourceExhausted, TooLarge(context.PayloadLength, maxSize))));
    }

    /// <summary>What grpc-go says of a message that is too large.</summary>
    public static string TooLarge(long size, long maxSize) => $"grpc: received message larger than max ({size} vs. {maxSize})";
}
