using Grpc.Core;
using Grpc.Core.Interceptors;
using Grpc.Net.Client;
using WhatsAppMesh.Deliveries.V1;
using WhatsAppMesh.Hosting;
using WhatsAppMesh.Ingest.V1;

namespace WhatsAppMesh.Edge.Operator;

/// <summary>The services behind edge over gRPC, through edge's sidecar: one connection, one deadline, one set of headers.</summary>
internal sealed class ServiceCalls : IDisposable
{
    /// <summary>Longest answer to one question; a stream sets its own.</summary>
    public static readonly TimeSpan Deadline = TimeSpan.FromSeconds(15);

    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);

    // An event is as large as the door lets in, and its envelope; a page of events is larger than one.
    private const int LeastMessageBytes = 16 * 1024 * 1024;
    private const int LeastEventBytes = 8 * 1024 * 1024;
    private const int EnvelopeBytes = 64 * 1024;

    private readonly TimeProvider _clock;
    private readonly GrpcChannel _channel;
    private readonly Dictionary<string, CallInvoker> _invokers;

    /// <summary>Opens the channel; it connects when it is first used, and again whenever it must.</summary>
    public ServiceCalls(SidecarSettings sidecar, EdgeOptions options, TimeProvider clock)
    {
        _clock = clock;
        MaxEventBytes = Math.Max(LeastEventBytes, options.Limits.BodyBytes + EnvelopeBytes);
        _channel = GrpcChannel.ForAddress(sidecar.GrpcEndpoint, new GrpcChannelOptions
        {
            MaxReceiveMessageSize = Math.Max(LeastMessageBytes, MaxEventBytes),
            HttpHandler = new SocketsHttpHandler
            {
                UseProxy = false,
                EnableMultipleHttp2Connections = true,
                ActivityHeadersPropagator = new TraceOnlyPropagator(),
            },
            DisposeHttpClient = true,
        });
        var all = options.Operator;
        LakeApp = all.Lake;
        Lake = new Lake.LakeClient(InvokerOf(all.Lake));
        Membership = new Membership.V1.Membership.MembershipClient(InvokerOf(all.Membership));
        Consumers = all.ConsumersOrDefault;
        _invokers = Consumers.Append(LakeApp).Distinct().ToDictionary(static app => app, InvokerOf);

        CallInvoker InvokerOf(string app) => _channel.Intercept(new SidecarCall(app, sidecar.ApiToken, clock));
    }

    /// <summary>For questions whose answer takes its time: counts over the lake, an identity that comes back as an event, a large audit.</summary>
    public DateTime PatientDeadline => _clock.GetUtcNow().UtcDateTime + Patience;

    /// <summary>Largest event that the lake is sent, in bytes: what ingest takes as one message.</summary>
    public int MaxEventBytes { get; }

    /// <summary>The lake, at ingest.</summary>
    public Lake.LakeClient Lake { get; }

    /// <summary>App id of the service that owns the lake.</summary>
    public string LakeApp { get; }

    /// <summary>Groups and people.</summary>
    public Membership.V1.Membership.MembershipClient Membership { get; }

    /// <summary>App ids of the services that consume the log: each has an account and dead letters.</summary>
    public IReadOnlyList<string> Consumers { get; }

    /// <summary>Dead letters of one consumer.</summary>
    public DeadLetters.V1.DeadLetters.DeadLettersClient DeadLettersOf(string consumer) => new(_invokers[consumer]);

    /// <summary>The account of one consumer.</summary>
    public Account.AccountClient AccountOf(string consumer) => new(_invokers[consumer]);

    /// <summary>Erasure in one service: the lake's or a consumer.</summary>
    public Privacy.V1.Privacy.PrivacyClient PrivacyOf(string app) => new(_invokers[app]);

    /// <inheritdoc/>
    public void Dispose() => _channel.Dispose();

    /// <summary>Addresses a call to an app, shows the sidecar's token and sets a deadline where none is set.</summary>
    private sealed class SidecarCall(string app, string? token, TimeProvider clock) : Interceptor
    {
        public override AsyncUnaryCall<TResponse> AsyncUnaryCall<TRequest, TResponse>(
            TRequest request, ClientInterceptorContext<TRequest, TResponse> context, AsyncUnaryCallContinuation<TRequest, TResponse> continuation) =>
            continuation(request, Addressed(context, Deadline));

        public override AsyncServerStreamingCall<TResponse> AsyncServerStreamingCall<TRequest, TResponse>(
            TRequest request, ClientInterceptorContext<TRequest, TResponse> context, AsyncServerStreamingCallContinuation<TRequest, TResponse> continuation) =>
            continuation(request, Addressed(context, null));

        public override AsyncClientStreamingCall<TRequest, TResponse> AsyncClientStreamingCall<TRequest, TResponse>(
            ClientInterceptorContext<TRequest, TResponse> context, AsyncClientStreamingCallContinuation<TRequest, TResponse> continuation) =>
            continuation(Addressed(context, null));

        public override AsyncDuplexStreamingCall<TRequest, TResponse> AsyncDuplexStreamingCall<TRequest, TResponse>(
            ClientInterceptorContext<TRequest, TResponse> context, AsyncDuplexStreamingCallContinuation<TRequest, TResponse> continuation) =>
            continuation(Addressed(context, null));

        private ClientInterceptorContext<TRequest, TResponse> Addressed<TRequest, TResponse>(
            ClientInterceptorContext<TRequest, TResponse> context, TimeSpan? deadline)
            where TRequest : class
            where TResponse : class
        {
            var headers = new Metadata { { "dapr-app-id", app } };
            if (token is not null)
                headers.Add(SidecarSettings.TokenHeader, token);
            var options = context.Options.WithHeaders(headers);
            if (options.Deadline is null && deadline is { } wait)
                options = options.WithDeadline(clock.GetUtcNow().UtcDateTime + wait);
            return new ClientInterceptorContext<TRequest, TResponse>(context.Method, context.Host, options);
        }
    }
}
