using WhatsAppMesh.Deliveries;
using WhatsAppMesh.Dispatch.Automations;
using WhatsAppMesh.Dispatch.Executions;
using WhatsAppMesh.Dispatch.Jobs;
using WhatsAppMesh.Dispatch.Operator;
using WhatsAppMesh.Dispatch.Privacy;
using WhatsAppMesh.Dispatch.Schema;
using WhatsAppMesh.Dispatch.Sending;
using WhatsAppMesh.Hosting;
using WhatsAppMesh.Migrations;

namespace WhatsAppMesh.Dispatch;

/// <summary>What the dispatch service is made of, as a readable list.</summary>
public static partial class DispatchHost
{
    /// <summary>Registers everything the service needs.</summary>
    /// <exception cref="SettingsException">Settings are missing or wrong; the message names every one.</exception>
    public static WebApplicationBuilder AddDispatch(this WebApplicationBuilder builder)
    {
        var settings = ServiceSettings.Of(builder);
        settings.Read<DispatchOptions>(DispatchOptions.Section, static options => options.Validate());
        var connectionString = settings.Required("ConnectionStrings:Database", "the PostgreSQL database of dispatch");

        var services = builder.Services;
        services.AddSchemaMigration(connectionString, static database => new DispatchContext(database));
        services.AddSingleton(_ => ServiceDatabase.Open(connectionString, "dispatch"));
        services.AddKeyedSingleton(SendStore.Sessions, (_, _) => ServiceDatabase.OpenHot(connectionString, "dispatch.sends"));
        services.AddSidecar();
        services.AddSingleton<DispatchService>();
        services.AddGrpc().AddServiceOptions<DispatchService>(static grpc => grpc.Interceptors.Add<RefusalInterceptor>());
        services.AddSingleton<DispatchMetrics>();
        services.AddSingleton<IStartsAtZero>(static provider => provider.GetRequiredService<DispatchMetrics>());
        services.AddSingleton<InstanceTenants>();
        services.AddSingleton<IBatchHandler, DispatchHandler>();
        services.AddSingleton<AutomationStore>();
        services.AddSingleton<ExecutionQueries>();
        services.AddSingleton<ExecutionDecisions>();
        services.AddSingleton<ExecutionStats>();
        services.AddSingleton<BulkReplays>();
        services.AddSingleton<Runs>();
        services.AddHealthChecks().AddReadiness<DatabaseReadiness>("database").AddReadiness<SidecarReadiness>("sidecar");
        builder.AddDeliveries("dispatch", replaySends: true);
        services.AddSingleton<IPersonErasure, DispatchErasure>();
        services.AddSingleton<JobUpkeep>();
        services.AddHostedService(static provider => provider.GetRequiredService<JobUpkeep>());
        services.AddHostedService<BulkReplayRunner>();
        builder.AddSending();
        settings.ThrowIfWrong("dispatch");
        return builder;
    }

    /// <summary>Maps everything the service answers.</summary>
    public static WebApplication MapDispatch(this WebApplication app)
    {
        app.MapGrpcService<DispatchService>().OnAppPort().RequireSidecarToken();
        AutomationsApi.Map(app);
        ExecutionsApi.Map(app);
        BulkReplaysApi.Map(app);
        RunsApi.Map(app);
        StatsApi.Map(app);
        app.MapGrpcService<ErasureService>().OnAppPort().RequireSidecarToken();
        app.MapDeliveries();
        app.MapSending();
        if (app.Services.GetRequiredService<InstanceTenants>().AreEverybodys)
            Log.InstancesAreEverybodys(app.Logger);
        return app;
    }

    private static partial class Log
    {
        [LoggerMessage(4020, LogLevel.Warning, "Dispatch:Instances is empty: every tenant may use every instance of the broker")]
        public static partial void InstancesAreEverybodys(ILogger logger);
    }
}
