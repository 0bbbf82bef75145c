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
    /// <exception cref="InvalidOperationException">Settings are missing or wrong; the message names every one.</exception>
    public static WebApplicationBuilder AddMembership(this WebApplicationBuilder builder)
    {
        var options = builder.Configuration.GetSection(MembershipOptions.Section).Get<MembershipOptions>() ?? new MembershipOptions();
        var connectionString = builder.Configuration.GetConnectionString("Database");
        Validate(options, connectionString);

        var services = builder.Services;
        services.AddSingleton(options);
        services.AddSchemaMigration(connectionString!, static database => new MembershipContext(database));
        services.AddSingleton(_ => ServiceDatabase.Open(connectionString!));
        services.AddSingleton<MembershipMetrics>();
        services.AddSingleton<IBatchHandler, MembershipHandler>();
        services.AddSingleton<IReadinessCheck, DatabaseReadiness>();
        services.AddSingleton<IReadinessCheck, SidecarReadiness>();
        services.AddSingleton<GroupQueries>();
        services.AddSingleton<MemberQueries>();
        services.AddSingleton<PersonQueries>();
        services.AddSingleton<DecisionSender>();
        services.AddSingleton<MembershipService>();
        services.AddSingleton<IPersonErasure, MembershipErasure>();
        services.AddGrpc().AddServiceOptions<MembershipService>(static grpc => grpc.Interceptors.Add<RebuildGate>());
        builder.AddDeliveries("membership");
        services.AddHostedService<JoinOutbox>();
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

    private static void Validate(MembershipOptions options, string? connectionString)
    {
        var wrong = options.Validate().ToList();
        if (string.IsNullOrWhiteSpace(connectionString))
            wrong.Add("ConnectionStrings:Database is missing: set it to the PostgreSQL database of membership.");
        if (wrong.Count > 0)
            throw new InvalidOperationException("Membership cannot start: " + string.Join(' ', wrong));
    }
}
