using Grpc.Core;
using Grpc.Core.Interceptors;
using Grpc.Net.Client;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using WhatsAppMesh.StandIns.Tests.V1;

namespace WhatsAppMesh.StandIns.Tests;

/// <summary>The official server with <see cref="EchoService"/>, and the official client connected to it.</summary>
public sealed class EchoServer : IAsyncLifetime
{
    private readonly TaskCompletionSource _cancelled = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private LoopbackHost? _host;

    public DateTime LastDeadline { get; set; }

    public Task Cancelled => _cancelled.Task;

    public string Endpoint => _host!.Endpoint;

    public GrpcChannel Channel { get; private set; } = null!;

    public Echo.EchoClient Client { get; private set; } = null!;

    public async Task InitializeAsync()
    {
        _host = await LoopbackHost.StartAsync(
            services =>
            {
                services.AddSingleton(this);
                services.AddGrpc(grpc =>
                {
                    grpc.Interceptors.Add<NamingInterceptor>();
                    grpc.ResponseCompressionAlgorithm = "gzip";
                });
            },
            app => app.MapGrpcService<EchoService>(),
            HttpProtocols.Http2);
        Channel = GrpcChannel.ForAddress(_host.Endpoint);
        Client = new Echo.EchoClient(Channel);
    }

    public async Task DisposeAsync()
    {
        Channel.Dispose();
        await _host!.DisposeAsync();
    }

    public async Task UntilCancelledAsync(CancellationToken cancellationToken)
    {
        try
        {
            await Task.Delay(Timeout.Infinite, cancellationToken);
        }
        catch (OperationCanceledException)
        {
            _cancelled.TrySetResult();
            throw;
        }
    }

    /// <summary>Tells the client in a trailer which methods went through it and whom the client says it is.</summary>
    private sealed class NamingInterceptor : Interceptor
    {
        public override Task<TResponse> UnaryServerHandler<TRequest, TResponse>(
            TRequest request, ServerCallContext context, UnaryServerMethod<TRequest, TResponse> continuation)
        {
            Name(context);
            return continuation(request, context);
        }

        public override Task<TResponse> ClientStreamingServerHandler<TRequest, TResponse>(
            IAsyncStreamReader<TRequest> requestStream, ServerCallContext context, ClientStreamingServerMethod<TRequest, TResponse> continuation)
        {
            Name(context);
            return continuation(requestStream, context);
        }

        public override Task ServerStreamingServerHandler<TRequest, TResponse>(
            TRequest request,
            IServerStreamWriter<TResponse> responseStream,
            ServerCallContext context,
            ServerStreamingServerMethod<TRequest, TResponse> continuation)
        {
            Name(context);
            return continuation(request, responseStream, context);
        }

        public override Task DuplexStreamingServerHandler<TRequest, TResponse>(
            IAsyncStreamReader<TRequest> requestStream,
            IServerStreamWriter<TResponse> responseStream,
            ServerCallContext context,
            DuplexStreamingServerMethod<TRequest, TResponse> continuation)
        {
            Name(context);
            return continuation(requestStream, responseStream, context);
        }

        private static void Name(ServerCallContext context)
        {
            context.ResponseTrailers.Add("intercepted", context.Method);
            if (context.RequestHeaders.GetValue("caller") is { } caller)
                context.ResponseTrailers.Add("caller", caller);
        }
    }
}
