using Google.Protobuf;
using Grpc.Core;
using Grpc.Core.Interceptors;

namespace WhatsAppMesh.Deliveries;

/// <summary>
/// Stands before every gRPC method of a consumer: a request that no method could take is refused by the name of its field, and what a retry
/// may cure, a database or a lake that is away, is UNAVAILABLE. A method's own refusals pass.
/// </summary>
internal sealed class RequestGate : Interceptor
{
    /// <inheritdoc/>
    public override async Task<TResponse> UnaryServerHandler<TRequest, TResponse>(
        TRequest request, ServerCallContext context, UnaryServerMethod<TRequest, TResponse> continuation)
    {
        RequestFields.Check((IMessage)request);
        try
        {
            return await continuation(request, context);
        }
        catch (Exception exception) when (!context.CancellationToken.IsCancellationRequested && Away(exception) is { } answer)
        {
            throw new RpcException(new Status(StatusCode.Unavailable, answer));
        }
    }

    /// <summary>What to say when something that a method needs is away; null when the exception says something else.</summary>
    public static string? Away(Exception exception) => exception switch
    {
        LakeException => "The lake cannot be asked now; try again.",
        RpcException => null,
        _ when FailureClassifier.Classify(exception) == FailureClass.Transient => "The database cannot answer now; try again.",
        _ => null,
    };
}
