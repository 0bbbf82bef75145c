using Grpc.Core;
using Grpc.Core.Interceptors;

namespace WhatsAppMesh.Membership;

/// <summary>Answers UNAVAILABLE while the service is being rebuilt from the lake, because half a membership is a wrong one.</summary>
internal sealed class RebuildGate(RebuildState rebuild) : Interceptor
{
    /// <inheritdoc/>
    public override async Task<TResponse> UnaryServerHandler<TRequest, TResponse>(
        TRequest request, ServerCallContext context, UnaryServerMethod<TRequest, TResponse> continuation)
    {
        var progress = await rebuild.GetAsync(context.CancellationToken);
        if (!progress.IsComplete)
            throw new RpcException(new Status(StatusCode.Unavailable, $"Membership is being rebuilt from the lake: {progress.Done} of {progress.Target} events so far. Try again."));
        return await continuation(request, context);
    }
}
