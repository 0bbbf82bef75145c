using Dapr.Client.Autogen.Grpc.v1;
using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using Grpc.AspNetCore.Server.Model;
using Grpc.Core;
using WhatsAppMesh.DevSidecar.Api;
using WhatsAppMesh.DevSidecar.Hosting;

namespace WhatsAppMesh.DevSidecar.Grpc;

/// <summary>
/// Binds the methods of <c>dapr.proto.runtime.v1.Dapr</c> by hand: the package of its messages has the client only. What is not bound
/// here is no method of this sidecar, and goes the way of calls to other services.
/// </summary>
internal sealed class DaprMethods(SidecarFlags flags) : IServiceMethodProvider<DaprService>
{
    public const string Service = "dapr.proto.runtime.v1.Dapr";

    public void OnServiceMethodDiscovery(ServiceMethodProviderContext<DaprService> context)
    {
        Unary<GetStateRequest, GetStateResponse>(context, "GetState", (s, r, c) => s.State.GetAsync(r, c));
        Unary<GetBulkStateRequest, GetBulkStateResponse>(context, "GetBulkState", (s, r, c) => s.State.GetManyAsync(r, c));
        Unary<SaveStateRequest, Empty>(context, "SaveState", (s, r, c) => s.State.SaveAsync(r, c));
        Unary<DeleteStateRequest, Empty>(context, "DeleteState", (s, r, c) => s.State.DeleteAsync(r, c));
        Unary<DeleteBulkStateRequest, Empty>(context, "DeleteBulkState", (s, r, c) => s.State.DeleteManyAsync(r, c));
        Unary<ExecuteStateTransactionRequest, Empty>(context, "ExecuteStateTransaction", (s, r, c) => s.State.TransactAsync(r, c));
        Unary<QueryStateRequest, QueryStateResponse>(context, "QueryStateAlpha1", (s, r, _) => s.State.QueryAsync(r));
        Unary<GetSecretRequest, GetSecretResponse>(context, "GetSecret", (s, r, _) => s.Secrets.GetAsync(r));
        Unary<GetBulkSecretRequest, GetBulkSecretResponse>(context, "GetBulkSecret", (s, r, _) => s.Secrets.GetAllAsync(r));
        Unary<PublishEventRequest, Empty>(context, "PublishEvent", (s, r, c) => s.Publish.PublishAsync(r, c));
        Unary<BulkPublishRequest, BulkPublishResponse>(context, "BulkPublishEvent", (s, r, c) => s.Publish.PublishManyAsync(r, c));
        Unary<BulkPublishRequest, BulkPublishResponse>(context, "BulkPublishEventAlpha1", (s, r, c) => s.Publish.PublishManyAsync(r, c));
        Unary<GetMetadataRequest, GetMetadataResponse>(context, "GetMetadata", (s, _, _) => s.Metadata.GetAsync());
        Unary<SetMetadataRequest, Empty>(context, "SetMetadata", (s, r, _) => s.Metadata.SetAsync(r));
        Unary<ShutdownRequest, Empty>(context, "Shutdown", (s, _, _) => s.Metadata.ShutdownAsync());
    }

    private void Unary<TRequest, TResponse>(
        ServiceMethodProviderContext<DaprService> context, string name, Func<DaprService, TRequest, ServerCallContext, Task<TResponse>> answer)
        where TRequest : class, IMessage<TRequest>, new()
        where TResponse : class, IMessage<TResponse>, new() =>
        context.AddUnaryMethod(
            new Method<TRequest, TResponse>(MethodType.Unary, Service, name, Messages.Of<TRequest>(flags.MaxBodySize), Messages.Of<TResponse>(long.MaxValue)),
            [],
            (service, request, call) => TellAsync(call, () => answer(service, request, call)));

    /// <summary>Turns refusals of the engines into statuses.</summary>
    private static async Task<T> TellAsync<T>(ServerCallContext call, Func<Task<T>> answer)
    {
        try
        {
            return await answer();
        }
        catch (DaprErrorException e)
        {
            // As grpc-go, not as one block of headers and trailers, which would show the server's date among the trailers.
            await call.WriteResponseHeadersAsync([]);
            throw GrpcAnswer.ToException(e.Error);
        }
    }
}
