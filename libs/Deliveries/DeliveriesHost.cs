using Npgsql;
using WhatsAppMesh.Hosting;
using WhatsAppMesh.Ingest.V1;

namespace WhatsAppMesh.Deliveries;

/// <summary>Makes a service a consumer of the topic: what the sidecar delivers, what the lake still has, dead letters and their replay.</summary>
public static class DeliveriesHost
{
    private const string Section = "Deliveries";

    private static readonly TimeSpan LakeDeadline = TimeSpan.FromSeconds(10);

    /// <summary>
    /// Registers everything, gRPC included; every gRPC method of the service gets the checks of <see cref="RequestFields"/>, and UNAVAILABLE where
    /// the lake or the database is away. The service itself registers its <see cref="IBatchHandler"/> and its <see cref="NpgsqlDataSource"/>, and
    /// runs <see cref="DeliveriesSchema"/> from its migrations.
    /// </summary>
    /// <param name="builder">The service's builder.</param>
    /// <param name="service">The consumer's name: its Dapr app id.</param>
    /// <param name="replaySends">True when its events send something, see <see cref="DeliveriesOptions.ReplaySends"/>.</param>
    public static WebApplicationBuilder AddDeliveries(this WebApplicationBuilder builder, string service, bool replaySends = false)
    {
        var services = builder.Services;
        var options = ServiceSettings.Of(builder).Read<DeliveriesOptions>(Section, static options => options.Validate(), options =>
        {
            (options.Service, options.ReplaySends) = (service, replaySends || options.ReplaySends);
            options.TakeEventsOf(BodyLimit.Read(builder.Configuration));
            return options;
        });

        services.AddGrpc(static grpc => grpc.Interceptors.Add<RequestGate>());
        // An event is as large as the door lets in, and payloads come whole from there.
        services.AddSidecarClient<Lake.LakeClient>(options.LakeAppId, LakeDeadline, (int)options.MaxBodyBytes);
        services.AddSingleton<DeliveriesMetrics>();
        services.AddSingleton<IStartsAtZero>(static provider => provider.GetRequiredService<DeliveriesMetrics>());
        services.AddSingleton<LakeReader>();
        services.AddSingleton<LakeSender>();
        services.AddSingleton<AccountStore>();
        services.AddSingleton<AccountAudit>();
        services.AddSingleton<AccountService>();
        services.AddSingleton<BatchTransaction>();
        services.AddSingleton<BatchProcessor>();
        services.AddSingleton<FailureStore>();
        services.AddSingleton<DeliveriesRetention>();
        services.AddSingleton<DeadLetterStore>();
        services.AddSingleton<DeadLetterQueries>();
        services.AddSingleton<DeadLetterDiscarding>();
        services.AddSingleton<LakeOutbox>();
        services.AddSingleton<DeadLetterDesk>();
        services.AddSingleton<DeadLettersService>();
        services.AddSingleton<DeliveriesErasure>();
        services.AddSingleton<SingleReplica>();
        services.AddSingleton<ReplayJobStore>();
        services.AddSingleton<ReplaySelection>();
        services.AddSingleton<Replayer>();
        services.AddSingleton<ReplayTopic>();
        services.AddSingleton<DeliveriesTopic>();
        services.AddSingleton(static provider => new RebuildState(
            provider.GetRequiredService<NpgsqlDataSource>(), provider.GetRequiredService<AccountStore>(),
            provider.GetRequiredService<DeliveriesOptions>(), provider.GetRequiredService<TimeProvider>()));
        services.AddSingleton<ReplayJobRunner>();
        services.AddHostedService(static provider => provider.GetRequiredService<ReplayJobRunner>());
        services.AddHostedService(static provider => provider.GetRequiredService<LakeOutbox>());
        services.AddHostedService<LakePuller>();
        services.AddHostedService<DeliveriesUpkeep>();
        return builder;
    }

    /// <summary>Maps the topic routes, the dead letters (gRPC and invoked methods) and the account (gRPC and GET /audit).</summary>
    public static IEndpointRouteBuilder MapDeliveries(this IEndpointRouteBuilder endpoints)
    {
        DeliveriesTopic.Map(endpoints);
        DeadLettersApi.Map(endpoints);
        AccountApi.Map(endpoints);
        endpoints.MapGrpcService<DeadLettersService>().OnAppPort().RequireSidecarToken();
        endpoints.MapGrpcService<AccountService>().OnAppPort().RequireSidecarToken();
        return endpoints;
    }
}
