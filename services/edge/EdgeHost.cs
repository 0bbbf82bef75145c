using Microsoft.AspNetCore.HttpOverrides;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using WhatsAppMesh.Edge.Limits;
using WhatsAppMesh.Edge.Operator;
using WhatsAppMesh.Edge.Sources;
using WhatsAppMesh.Events;
using WhatsAppMesh.Hosting;

namespace WhatsAppMesh.Edge;

/// <summary>What edge is made of.</summary>
public static class EdgeHost
{
    /// <summary>Registers edge.</summary>
    /// <exception cref="SettingsException">A setting is wrong; the message names every one.</exception>
    public static WebApplicationBuilder AddEdge(this WebApplicationBuilder builder)
    {
        var options = EdgeOptions.Read(builder.Configuration);
        builder.AddMeshHosting("edge");

        // Every request's path and target would be in these logs, and a lead's id with them.
        builder.Logging.AddFilter("Yarp", LogLevel.None).AddFilter("Microsoft.AspNetCore", LogLevel.Warning);
        builder.WebHost.ConfigureKestrel(kestrel => Configure(kestrel.Limits, options.Limits));
        builder.Services.Configure<HostOptions>(
            host => host.ShutdownTimeout = TimeSpan.FromSeconds(options.ShutdownDelaySeconds + options.ShutdownTimeoutSeconds));
        builder.Services.Configure<ForwardedHeadersOptions>(forwarded => Configure(forwarded, options));
        builder.Services.AddHttpForwarder();
        builder.Services.AddSidecar();
        builder.Services.AddSingleton(options);
        builder.Services.AddSingleton<EdgeMetrics>();
        builder.Services.AddSingleton<IStartsAtZero>(static services => services.GetRequiredService<EdgeMetrics>());
        builder.Services.AddSingleton(new BodyBudget(options.Limits.ConcurrentBodies, options.Limits.BufferedBytes));
        builder.Services.AddSingleton(services => new AddressGates(
            new Rate(options.Limits.AddressRequestsPerSecond, options.Limits.AddressBurst),
            options.Limits.AddressConcurrentBodies,
            services.GetRequiredService<TimeProvider>()));
        builder.Services.AddSingleton<CurrentCatalog>();
        builder.Services.AddSingleton<IReadinessNotes>(static services => services.GetRequiredService<CurrentCatalog>());
        var health = builder.Services.AddHealthChecks().AddReadiness<SendersReadiness>("senders").AddReadiness<ShutdownDrain>("shutdown");
        builder.Services.AddSingleton<CatalogFile>();
        builder.Services.AddSingleton<SecretReader>();
        builder.Services.AddHostedService<CatalogReloader>();
        builder.Services.AddSingleton<IngestForwarder>();
        builder.Services.AddSingleton<DoorsApi>();
        builder.Services.AddSingleton(ReadMinimisation(builder.Configuration));
        builder.Services.AddOperatorApi(options);
        builder.Services.AddSingleton<ShutdownDrain>();
        builder.Services.AddHostedService(static services => services.GetRequiredService<ShutdownDrain>());
        if (options.Ingest.ThroughSidecar)
            health.AddReadiness<SidecarReadiness>("sidecar");
        return builder;
    }

    /// <summary>Maps edge's endpoints.</summary>
    public static WebApplication MapEdge(this WebApplication app)
    {
        if (app.Services.GetRequiredService<EdgeOptions>().Proxies.Count > 0)
            app.UseForwardedHeaders();
        app.UseStatusCodePages(static pages => PathAnswers.WriteAsync(pages.HttpContext));
        app.MapMeshEndpoints();
        app.Services.GetRequiredService<DoorsApi>().Map(app);
        app.MapOperatorApi();
        return app;
    }

    private static Minimisation ReadMinimisation(IConfiguration configuration)
    {
        try
        {
            return new Minimisation(configuration.GetSection(Minimisation.TenantsSetting).Get<string[]>() ?? [], configuration[Minimisation.KeySetting]);
        }
        catch (InvalidOperationException exception)
        {
            throw new SettingsException("edge", [exception.Message]);
        }
    }

    private static void Configure(KestrelServerLimits kestrel, LimitOptions limits)
    {
        // The doors count for themselves, so that a cap means bytes of body and not bytes of chunks.
        kestrel.MaxRequestBodySize = null;
        kestrel.MinRequestBodyDataRate = limits.MinBodyBytesPerSecond <= 0
            ? null
            : new MinDataRate(limits.MinBodyBytesPerSecond, TimeSpan.FromSeconds(limits.MinBodyRateGraceSeconds));
    }

    private static void Configure(ForwardedHeadersOptions forwarded, EdgeOptions options)
    {
        forwarded.ForwardedHeaders = ForwardedHeaders.XForwardedFor;

        // Every hop that is one of ours is believed, and the first that is not is the client, however many hops there are.
        forwarded.ForwardLimit = null;
        forwarded.KnownProxies.Clear();
        forwarded.KnownIPNetworks.Clear();
        foreach (var network in options.ProxyNetworks)
            forwarded.KnownIPNetworks.Add(network);
    }
}
