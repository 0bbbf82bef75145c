using Grpc.Net.ClientFactory;
using WhatsAppMesh.Deliveries.V1;
using WhatsAppMesh.Hosting;
using WhatsAppMesh.Ingest.V1;

namespace WhatsAppMesh.Edge.Operator;

/// <summary>The services behind edge over gRPC, through edge's sidecar.</summary>
internal sealed class ServiceCalls(GrpcClientFactory clients, EdgeOptions options, DependencyStates dependencies, TimeProvider clock)
{
    /// <summary>Longest answer to one question; a stream sets its own.</summary>
    public static readonly TimeSpan Deadline = TimeSpan.FromSeconds(15);

    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);

    // An event is as large as the door lets in, and its envelope; a page of events is larger than one.
    private const int LeastMessageBytes = 16 * 1024 * 1024;
    private const int LeastEventBytes = 8 * 1024 * 1024;
    private const int EnvelopeBytes = 64 * 1024;

    /// <summary>For questions whose answer takes its time: counts over the lake, an identity that comes back as an event, a large audit.</summary>
    public DateTime PatientDeadline => clock.GetUtcNow().UtcDateTime + Patience;

    /// <summary>Largest event that the lake is sent, in bytes: what ingest takes as one message.</summary>
    public int MaxEventBytes => MaxEventBytesOf(options);

    /// <summary>The lake, at ingest.</summary>
    public Lake.LakeClient Lake => ClientOf<Lake.LakeClient>(LakeApp);

    /// <summary>App id of the service that owns the lake.</summary>
    public string LakeApp => options.Operator.Lake;

    /// <summary>Groups and people.</summary>
    public Membership.V1.Membership.MembershipClient Membership => ClientOf<Membership.V1.Membership.MembershipClient>(options.Operator.Membership);

    /// <summary>App ids of the services that consume the log: each has an account and dead letters.</summary>
    public IReadOnlyList<string> Consumers => options.Operator.ConsumersOrDefault;

    /// <summary>Registers the clients of all of them.</summary>
    public static void Register(IServiceCollection services, EdgeOptions options)
    {
        var apps = options.Operator;
        var maxMessageBytes = Math.Max(LeastMessageBytes, MaxEventBytesOf(options));
        Add<Lake.LakeClient>(services, apps.Lake, maxMessageBytes);
        Add<Membership.V1.Membership.MembershipClient>(services, apps.Membership, maxMessageBytes);
        foreach (var consumer in apps.ConsumersOrDefault)
        {
            Add<DeadLetters.V1.DeadLetters.DeadLettersClient>(services, consumer, maxMessageBytes);
            Add<Account.AccountClient>(services, consumer, maxMessageBytes);
        }

        foreach (var app in apps.ConsumersOrDefault.Append(apps.Lake).Distinct(StringComparer.Ordinal))
            Add<Privacy.V1.Privacy.PrivacyClient>(services, app, maxMessageBytes);
        services.AddSingleton<ServiceCalls>();
    }

    /// <summary>Dead letters of one consumer.</summary>
    public DeadLetters.V1.DeadLetters.DeadLettersClient DeadLettersOf(string consumer) => ClientOf<DeadLetters.V1.DeadLetters.DeadLettersClient>(consumer);

    /// <summary>Counts a service that could not be asked, where the answer goes on without it.</summary>
    public void Missed(string app, Grpc.Core.RpcException exception) => dependencies.Of($"service {app}", $"'{app}' cannot be asked").Count(exception);

    /// <summary>The account of one consumer.</summary>
    public Account.AccountClient AccountOf(string consumer) => ClientOf<Account.AccountClient>(consumer);

    /// <summary>Erasure in one service: the lake's or a consumer.</summary>
    public Privacy.V1.Privacy.PrivacyClient PrivacyOf(string app) => ClientOf<Privacy.V1.Privacy.PrivacyClient>(app);

    private TClient ClientOf<TClient>(string app) where TClient : Grpc.Core.ClientBase<TClient> =>
        clients.CreateClient<TClient>(SidecarClients.NameOf<TClient>(app));

    private static int MaxEventBytesOf(EdgeOptions options) => Math.Max(LeastEventBytes, options.Limits.BodyBytes + EnvelopeBytes);

    private static void Add<TClient>(IServiceCollection services, string app, int maxMessageBytes) where TClient : Grpc.Core.ClientBase<TClient> =>
        services.AddSidecarClient<TClient>(app, Deadline, maxMessageBytes, static () =>
        {
            var connections = SidecarChannels.Connections();
            connections.ActivityHeadersPropagator = new TraceOnlyPropagator();
            return connections;
        });
}
