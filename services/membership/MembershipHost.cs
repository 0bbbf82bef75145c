using Npgsql;
using WhatsAppMesh.Hosting;
using WhatsAppMesh.Membership.Schema;

namespace WhatsAppMesh.Membership;

/// <summary>What the membership service is made of, as a readable list.</summary>
public static class MembershipHost
{
    /// <summary>Registers everything the service needs.</summary>
    public static WebApplicationBuilder AddMembership(this WebApplicationBuilder builder)
    {
        builder.AddMeshHosting("membership");
        builder.Services.AddHostedService<SchemaMigration>();
        builder.Services.AddSingleton(services => NpgsqlDataSource.Create(services.GetRequiredService<IConfiguration>().GetConnectionString("Database")!));
        builder.Services.AddSingleton<IReadinessCheck, DatabaseReadiness>();
        builder.Services.AddSingleton<IReadinessCheck, SidecarReadiness>();
        return builder;
    }

    /// <summary>Maps everything the service answers.</summary>
    public static WebApplication MapMembership(this WebApplication app)
    {
        app.MapMeshEndpoints();
        return app;
    }
}
