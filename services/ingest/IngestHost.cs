using WhatsAppMesh.Hosting;

namespace WhatsAppMesh.Ingest;

/// <summary>Puts the service together: what it is made of, and what it serves.</summary>
public static class IngestHost
{
    /// <summary>Registers everything.</summary>
    /// <exception cref="SettingsException">Settings are missing or wrong; the message names every one.</exception>
    public static WebApplicationBuilder AddIngest(this WebApplicationBuilder builder)
    {
        var settings = ServiceSettings.Of(builder);
        var options = settings.Read<IngestOptions>(
            IngestOptions.Section, static options => options.Validate(), options => options.For(builder.Configuration));
        var connectionString = settings.Required("ConnectionStrings:Database", "the PostgreSQL database of ingest");
        var token = settings.Required(InternalToken.Key, "the secret that edge sends");
        var minimisation = MinimisationSettings.Read(builder.Configuration, settings.Wrong);
        settings.ThrowIfWrong("ingest");

        // The doors count for themselves, and read to the end what they refuse: a limit of the server would cut the connection, and edge would
        // take that for an ingest that is away. gRPC has its own limit below.
        builder.WebHost.ConfigureKestrel(static kestrel =>
        {
            kestrel.Limits.MaxRequestBodySize = null;

            // Edge adds its own to what it has let in: an id or key as long as edge's limit allows must be answered here for what it is.
            kestrel.Limits.MaxRequestHeadersTotalSize = 64 * 1024;
        });
        var services = builder.Services;
        services.AddSingleton(minimisation);
        services.AddSingleton<LakeMinimiser>();
        services.AddSingleton(new InternalToken(token));
        services.AddSingleton(provider => new LakeDatabase(
            connectionString, builder.Configuration, provider.GetRequiredService<ILogger<LakeDatabase>>()));
        services.AddSingleton<IServiceSchema>(provider => provider.GetRequiredService<LakeDatabase>());
        services.AddSingleton<IngestMetrics>();
        services.AddSingleton<IStartsAtZero>(static provider => provider.GetRequiredService<IngestMetrics>());
        services.AddSingleton<LakeSignal>();
        services.AddSingleton<LakeWriter>();
        services.AddSingleton<LakePartitions>();
        services.AddSingleton<LakeStore>();
        services.AddSingleton<EventsApi>();
        services.AddSingleton<LakeQueries>();
        services.AddSingleton<LakeAppender>();
        services.AddSingleton(options.Retention);
        services.AddSingleton<LakeImporter>();
        services.AddSingleton<LakeErasure>();
        ConsumerAccounts.Register(services, options.Retention.ConsumerIds);
        services.AddSingleton<LakeRetention>();
        services.AddSingleton<SidecarPublisher>();
        services.AddSingleton(provider => new DatabaseReadiness(provider.GetRequiredService<LakeDatabase>().Hot));
        services.AddHealthChecks().AddReadiness<DatabaseReadiness>("database").AddReadiness<SidecarReadiness>("sidecar");
        services.AddHostedService(provider => provider.GetRequiredService<LakePartitions>());
        services.AddHostedService<BacklogWatch>();
        services.AddHostedService(static provider => provider.GetRequiredService<LakeRetention>());
        services.AddHostedService(static provider => provider.GetRequiredService<LakeMinimiser>());
        if (options.Publish)
            services.AddHostedService<EventPublisher>();
        services.AddGrpc(grpc =>
        {
            // An imported event is its body and a few fields beside it.
            grpc.MaxReceiveMessageSize = options.MaxBodyBytes + (64 * 1024);
            grpc.Interceptors.Add<LakeFailures>();
        });
        return builder;
    }

    /// <summary>Maps the doors and the lake's gRPC service.</summary>
    public static WebApplication MapIngest(this WebApplication app)
    {
        EventsApi.Map(app);
        app.MapGrpcService<LakeService>().OnAppPort().RequireSidecarToken();
        app.MapGrpcService<PrivacyService>().OnAppPort().RequireSidecarToken();
        return app;
    }
}
