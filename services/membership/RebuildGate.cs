using Grpc.Core;
using Grpc.Core.Interceptors;
using Npgsql;

namespace WhatsAppMesh.Membership;

/// <summary>
/// Answers UNAVAILABLE while the service is being rebuilt from the lake, because half a membership is a wrong one, and while its database
/// or the lake does not answer.
/// </summary>
internal sealed class RebuildGate(RebuildState rebuild) : Interceptor
{
    /// <inheritdoc/>
    public override async Task<TResponse> UnaryServerHandler<TRequest, TResponse>(
        TRequest request, ServerCallContext context, UnaryServerMethod<TRequest, TResponse> continuation)
    {
        try
        {
            var progress = await rebuild.GetAsync(context.CancellationToken);
            if (!progress.IsComplete)
                throw new RpcException(new Status(StatusCode.Unavailable, $"Membership is being rebuilt from the lake: {progress.Done} of {progress.Target} events so far. Try again."));
            return await continuation(request, context);
        }
        catch (NpgsqlException exception) when (exception.IsTransient && !context.CancellationToken.IsCancellationRequested)
        {
            throw new RpcException(new Status(StatusCode.Unavailable, "Membership's database does not answer: try again."));
        }
        catch (LakeException)
        {
            throw new RpcException(new Status(StatusCode.Unavailable, "The lake does not answer: try again."));
        }
    }
}
