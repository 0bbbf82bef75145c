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
    /// <exception cref="InvalidOperationException">Settings are missing or wrong; the message names every one.</exception>
    public static WebApplicationBuilder AddDispatch(this WebApplicationBuilder builder)
    {
        var options = builder.Configuration.GetSection(DispatchOptions.Section).Get<DispatchOptions>() ?? new DispatchOptions();
        var connectionString = builder.Configuration.GetConnectionString("Database");
        Validate(options, connectionString);

        var services = builder.Services;
        services.AddSingleton(options);
        services.AddSchemaMigration(connectionString!, static database => new DispatchContext(database));
        services.AddSingleton(_ => ServiceDatabase.Open(connectionString!));
        services.AddKeyedSingleton(SendStore.Sessions, (_, _) => ServiceDatabase.OpenHot(connectionString!));
        services.AddSidecar();
        services.AddSingleton<DispatchService>();
        services.AddGrpc().AddServiceOptions<DispatchService>(static grpc => grpc.Interceptors.Add<RefusalInterceptor>());
        services.AddSingleton<DispatchMetrics>();
        services.AddSingleton<InstanceTenants>();
        services.AddSingleton<IBatchHandler, DispatchHandler>();
        services.AddSingleton<AutomationStore>();
        services.AddSingleton<ExecutionQueries>();
        services.AddSingleton<ExecutionDecisions>();
        services.AddSingleton<ExecutionStats>();
        services.AddSingleton<BulkReplays>();
        services.AddSingleton<Runs>();
        services.AddSingleton<IReadinessCheck, DatabaseReadiness>();
        services.AddSingleton<IReadinessCheck, SidecarReadiness>();
        builder.AddDeliveries("dispatch", replaySends: true);
        services.AddSingleton<IPersonErasure, DispatchErasure>();
        services.AddSingleton<JobUpkeep>();
        services.AddHostedService(static provider => provider.GetRequiredService<JobUpkeep>());
        services.AddHostedService<BulkReplayRunner>();
        builder.AddSending();
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

    private static void Validate(DispatchOptions options, string? connectionString)
    {
        var wrong = options.Validate().ToList();
        if (string.IsNullOrWhiteSpace(connectionString))
            wrong.Add("ConnectionStrings:Database is missing: set it to the PostgreSQL database of dispatch.");
        if (wrong.Count > 0)
            throw new InvalidOperationException("Dispatch cannot start: " + string.Join(' ', wrong));
    }

    private static partial class Log
    {
        [LoggerMessage(4020, LogLevel.Warning, "Dispatch:Instances is empty: every tenant may use every instance of the broker")]
        public static partial void InstancesAreEverybodys(ILogger logger);
    }
}
