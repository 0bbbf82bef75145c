using WhatsAppMesh.Hosting;
using WhatsAppMesh.Membership.Outgoing;
using WhatsAppMesh.Membership.Privacy;
using WhatsAppMesh.Membership.Queries;
using WhatsAppMesh.Membership.Schema;
using WhatsAppMesh.Migrations;

namespace WhatsAppMesh.Membership;

/// <summary>What the membership service is made of, as a readable list.</summary>
public static class MembershipHost
{
    /// <summary>Registers everything the service needs.</summary>
    /// <exception cref="SettingsException">Settings are missing or wrong; the message names every one.</exception>
    public static WebApplicationBuilder AddMembership(this WebApplicationBuilder builder)
    {
        var settings = ServiceSettings.Of(builder);
        settings.Read<MembershipOptions>(MembershipOptions.Section, static options => options.Validate());
        var connectionString = settings.Required("ConnectionStrings:Database", "the PostgreSQL database of membership");

        var services = builder.Services;
        services.AddSchemaMigration(connectionString, static database => new MembershipContext(database));
        services.AddSingleton(_ => ServiceDatabase.Open(connectionString, "membership"));
        services.AddSingleton<MembershipMetrics>();
        services.AddSingleton<IStartsAtZero>(static provider => provider.GetRequiredService<MembershipMetrics>());
        services.AddSingleton<IBatchHandler, MembershipHandler>();
        services.AddHealthChecks().AddReadiness<DatabaseReadiness>("database").AddReadiness<SidecarReadiness>("sidecar");
        services.AddSingleton<GroupQueries>();
        services.AddSingleton<MemberQueries>();
        services.AddSingleton<PersonQueries>();
        services.AddSingleton<DecisionSender>();
        services.AddSingleton<MembershipService>();
        services.AddSingleton<IPersonErasure, MembershipErasure>();
        services.AddGrpc().AddServiceOptions<MembershipService>(static grpc => grpc.Interceptors.Add<RebuildGate>());
        builder.AddDeliveries("membership");
        services.AddHostedService<JoinOutbox>();
        settings.ThrowIfWrong("membership");
        return builder;
    }

    /// <summary>Maps everything the service answers.</summary>
    public static WebApplication MapMembership(this WebApplication app)
    {
        app.MapGrpcService<MembershipService>().OnAppPort().RequireSidecarToken();
        app.MapGrpcService<ErasureService>().OnAppPort().RequireSidecarToken();
        app.MapDeliveries();
        return app;
    }
}
