using WhatsAppMesh.Hosting;

namespace WhatsAppMesh.Edge.Operator;

/// <summary>The operator API: what it is made of, and its routes.</summary>
internal static class OperatorHost
{
    /// <summary>Registers it.</summary>
    public static IServiceCollection AddOperatorApi(this IServiceCollection services, EdgeOptions options)
    {
        services.AddSingleton<OperatorMetrics>();
        services.AddSingleton<OperatorGate>();
        services.AddSingleton(static provider => new OperatorBudget(provider.GetRequiredService<EdgeOptions>().Operator));
        services.AddSingleton<OperatorBody>();
        ServiceCalls.Register(services, options);
        services.AddSingleton<Consumers>();
        services.AddSingleton<DispatchForwarder>();
        services.AddSingleton<DispatchRuntime>();
        services.AddSingleton<IHealthDetail>(static provider => provider.GetRequiredService<DispatchRuntime>());
        services.AddHostedService(static provider => provider.GetRequiredService<DispatchRuntime>());
        return services;
    }

    /// <summary>Maps every route of it on the HTTP port.</summary>
    public static void MapOperatorApi(this IEndpointRouteBuilder endpoints)
    {
        var api = endpoints.MapGroup("/api");
        DeadLettersApi.Map(api);
        ReplayJobsApi.Map(api);
        EventsApi.Map(api);
        GroupsApi.Map(api);
        AuditApi.Map(api);
        ErasuresApi.Map(api);
        DispatchApi.Map(api);
        OpenApiDocument.Map(api);
    }
}
