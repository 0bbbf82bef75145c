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
        Unary<InvokeServiceRequest, InvokeResponse>(context, "InvokeService", (s, r, c) => s.Invoke.InvokeAsync(r, c));
        Duplex<SubscribeTopicEventsRequestAlpha1, SubscribeTopicEventsResponseAlpha1>(
            context, "SubscribeTopicEventsAlpha1", (s, r, w, c) => s.Subscribe.SubscribeAsync(r, w, c));
        BindAbsent(context);
    }

    private void BindAbsent(ServiceMethodProviderContext<DaprService> context)
    {
        Unary<TryLockRequest, TryLockResponse>(context, "TryLockAlpha1", (s, r, _) => s.Absent.TryLockAsync(r));
        Unary<InvokeBindingRequest, InvokeBindingResponse>(context, "InvokeBinding", (s, r, _) => s.Absent.InvokeBindingAsync(r));
        // Of both versions only the name is read, which has the same place in both.
        Unary<ConversationRequestAlpha2, ConversationResponseAlpha2>(context, "ConverseAlpha1", (s, r, _) => s.Absent.ConverseAsync(r));
        Unary<ConversationRequestAlpha2, ConversationResponseAlpha2>(context, "ConverseAlpha2", (s, r, _) => s.Absent.ConverseAsync(r));
        foreach (var version in new[] { "", "Alpha1" })
        {
            Unary<UnsubscribeConfigurationRequest, UnsubscribeConfigurationResponse>(
                context, "UnsubscribeConfiguration" + version, (s, r, _) => s.Absent.UnsubscribeAsync(r));
            Unary<ScheduleJobRequest, ScheduleJobResponse>(context, "ScheduleJob" + version, (s, r, _) => s.Absent.ScheduleAsync(r));
            Unary<GetJobRequest, GetJobResponse>(context, "GetJob" + version, (s, r, _) => s.Absent.GetJobAsync(r));
            Unary<DeleteJobRequest, DeleteJobResponse>(context, "DeleteJob" + version, (s, r, _) => s.Absent.DeleteJobAsync(r));
            ServerStream<SubscribeConfigurationRequest, SubscribeConfigurationResponse>(
                context, "SubscribeConfiguration" + version, (s, r, w, _) => s.Absent.SubscribeAsync(r, w));
        }

        Duplex<EncryptRequest, EncryptResponse>(context, "EncryptAlpha1", (s, r, _, c) => s.Absent.EncryptAsync(r, c.CancellationToken));
        Duplex<DecryptRequest, DecryptResponse>(context, "DecryptAlpha1", (s, r, _, c) => s.Absent.DecryptAsync(r, c.CancellationToken));
        Duplex<Empty, Empty>(context, "SubscribeActorEventsAlpha1", (_, _, _, _) => throw new DaprErrorException(ApiErrors.NoActorStream));
        foreach (var (name, error) in AbsentCalls.Constant)
            Unary<Empty, Empty>(context, name, (s, _, _) => throw new DaprErrorException(error(s.Absent)));
    }

    private void ServerStream<TRequest, TResponse>(
        ServiceMethodProviderContext<DaprService> context, string name, Func<DaprService, TRequest, IServerStreamWriter<TResponse>, ServerCallContext, Task> answer)
        where TRequest : class, IMessage<TRequest>, new()
        where TResponse : class, IMessage<TResponse>, new() =>
        context.AddServerStreamingMethod(
            MethodOf<TRequest, TResponse>(MethodType.ServerStreaming, name),
            [],
            (service, request, answers, call) => TellAsync(call, () => answer(service, request, answers, call)));

    private void Duplex<TRequest, TResponse>(
        ServiceMethodProviderContext<DaprService> context, string name,
        Func<DaprService, IAsyncStreamReader<TRequest>, IServerStreamWriter<TResponse>, ServerCallContext, Task> answer)
        where TRequest : class, IMessage<TRequest>, new()
        where TResponse : class, IMessage<TResponse>, new() =>
        context.AddDuplexStreamingMethod(
            MethodOf<TRequest, TResponse>(MethodType.DuplexStreaming, name),
            [],
            (service, requests, answers, call) => TellAsync(call, () => answer(service, requests, answers, call)));

    private Method<TRequest, TResponse> MethodOf<TRequest, TResponse>(MethodType type, string name)
        where TRequest : class, IMessage<TRequest>, new()
        where TResponse : class, IMessage<TResponse>, new() =>
        new(type, Service, name, Messages.Of<TRequest>(flags.MaxBodySize), Messages.Of<TResponse>(long.MaxValue));

    private void Unary<TRequest, TResponse>(
        ServiceMethodProviderContext<DaprService> context, string name, Func<DaprService, TRequest, ServerCallContext, Task<TResponse>> answer)
        where TRequest : class, IMessage<TRequest>, new()
        where TResponse : class, IMessage<TResponse>, new() =>
        context.AddUnaryMethod(
            MethodOf<TRequest, TResponse>(MethodType.Unary, name),
            [],
            (service, request, call) => TellAsync(call, () => answer(service, request, call)));

    private static Task TellAsync(ServerCallContext call, Func<Task> answer) => TellAsync<object?>(call, async () =>
    {
        await answer();
        return null;
    });

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
            if (!call.GetHttpContext().Response.HasStarted)
                await call.WriteResponseHeadersAsync([]);
            throw GrpcAnswer.ToException(e.Error);
        }
    }
}
