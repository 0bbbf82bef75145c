using WhatsAppMesh.Dispatch.Claims;
using WhatsAppMesh.Hosting;

namespace WhatsAppMesh.Dispatch.Sending;

/// <summary>What sending is made of, as a readable list.</summary>
internal static class SendingHost
{
    /// <summary>Registers claims and sending.</summary>
    public static WebApplicationBuilder AddSending(this WebApplicationBuilder builder)
    {
        var settings = ServiceSettings.Of(builder);
        string? warning = null;
        var claims = settings.Read<ClaimOptions>(ClaimOptions.Section, static claims => claims.Validate());
        var options = settings.Read<SendingOptions>(
            SendingOptions.Section,
            sending => sending.Validate(claims),
            sending =>
            {
                sending.TakeMode(builder.Configuration, settings.Wrong, out warning);
                return sending;
            });

        var services = builder.Services;
        services.AddSingleton(new SettingsWarning(warning));
        services.AddSingleton(WorkerIdentity.Own());
        services.AddSingleton<LeaseWatch>();
        services.AddSingleton<ClaimCalls>();
        services.AddSingleton<ClaimStore>();
        services.AddSingleton<BrokerCircuit>();
        services.AddSingleton<BrokerCredentials>();
        services.AddSingleton<BrokerClient>();
        services.AddSingleton<InstanceStatus>();
        services.AddSingleton<InFlightJobs>();
        services.AddSingleton<SendMetrics>();
        services.AddSingleton<SendFigures>();
        services.AddSingleton<IStartsAtZero>(static provider => provider.GetRequiredService<SendMetrics>());
        services.AddSingleton<SendBacklogStore>();
        services.AddSingleton<SendStore>();
        services.AddSingleton<StaleJobs>();
        services.AddSingleton<JobEndings>();
        services.AddSingleton<JobClaims>();
        services.AddSingleton<JobRecovery>();
        services.AddSidecarClient<Membership.V1.Membership.MembershipClient>(options.MembershipAppId, MemberLookup.Deadline);
        services.AddSingleton<MemberLookup>();
        services.AddSingleton<SendContents>();
        services.AddSingleton<JobRunner>();
        services.AddSingleton<JobProcessor>();
        services.AddSingleton<SendingState>();
        services.AddSingleton<DirectSends>();
        services.AddSingleton<IReadinessNotes>(static provider => provider.GetRequiredService<SettingsWarning>());
        services.AddHostedService<JobPoller>();
        services.AddHostedService<RunWorker>();
        // The drain, and what else has to end.
        services.Configure<HostOptions>(host => host.ShutdownTimeout = TimeSpan.FromTicks(Math.Max(host.ShutdownTimeout.Ticks, (options.Drain + TimeSpan.FromSeconds(10)).Ticks)));
        return builder;
    }

    /// <summary>Maps direct sends, instances, and the health that tells about sending.</summary>
    public static WebApplication MapSending(this WebApplication app)
    {
        MessagesApi.Map(app);
        InstancesApi.Map(app);
        // In place of the plain one that every service has; on the app port too, where edge asks for it through the sidecars.
        app.MapGet("/healthz", HealthAsync).WithOrder(-1);
        return app;
    }

    private static async Task HealthAsync(HttpContext context, SendingState state, DependencyStates dependencies)
    {
        var whatsApp = new WhatsAppHealth(await state.DescribeAsync(context.RequestAborted));
        var degraded = dependencies.Degraded;
        var health = degraded.Count == 0 ? new SendingHealth("ok", null, whatsApp) : new SendingHealth("degraded", degraded, whatsApp);
        await context.Response.WriteAsJsonAsync(health, SendingHealthJson.Default.SendingHealth, cancellationToken: context.RequestAborted);
    }

    /// <summary>A setting that works but should be changed, said in /readyz.</summary>
    private sealed class SettingsWarning(string? warning) : IReadinessNotes
    {
        public string Name => "settings";

        public IReadOnlyList<string> Notes { get; } = warning is null ? [] : [warning];
    }
}
