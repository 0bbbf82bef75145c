using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Routing;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Configuration.Memory;
using Microsoft.Extensions.Logging;

namespace WhatsAppMesh.Hosting;

/// <summary>What every service's process has in common: two ports, logs, probes, metrics and traces.</summary>
public static class MeshHosting
{
    // A line per request and per proxied call is a cost and no news; configuration (Logging:LogLevel:...) can ask for them.
    private static readonly Dictionary<string, string?> QuietLogs = new()
    {
        ["Logging:LogLevel:Microsoft.AspNetCore"] = "Warning",
        ["Logging:LogLevel:Yarp"] = "Warning",
        ["Logging:LogLevel:Grpc"] = "Warning",
        ["Logging:LogLevel:System.Net.Http"] = "Warning",
        // The answer of /readyz says what it is; this would say it again at every probe.
        ["Logging:LogLevel:Microsoft.Extensions.Diagnostics.HealthChecks"] = "Critical",
    };

    /// <summary>Binds the two ports and registers logging, telemetry and the readiness probe.</summary>
    /// <param name="serviceName">The service's Dapr app id, e.g. "ingest": the name in traces and metrics.</param>
    /// <exception cref="SettingsException">A port setting is not a port number, or the sidecar's address is none.</exception>
    public static WebApplicationBuilder AddMeshHosting(this WebApplicationBuilder builder, string serviceName)
    {
        var (ports, sidecar) = Read(builder.Configuration, serviceName);
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            Listen(kestrel, ports.Address, ports.AppPort, HttpProtocols.Http2, ListenerPort.App);
            Listen(kestrel, ports.Address, ports.HttpPort, HttpProtocols.Http1, ListenerPort.Http);
        });
        builder.Configuration.Sources.Insert(0, new MemoryConfigurationSource { InitialData = QuietLogs });
        builder.Logging.AddSimpleConsole(console =>
        {
            console.SingleLine = true;
            console.UseUtcTimestamp = true;
            console.TimestampFormat = "yyyy-MM-dd'T'HH:mm:ss.fff'Z' ";
        });
        builder.Services.TryAddSingleton(TimeProvider.System);
        builder.Services.AddSingleton(ports);
        builder.Services.AddSingleton(sidecar);
        builder.Services.AddSingleton<DependencyStates>();
        builder.Services.AddHealthChecks().AddReadiness<DependencyStates>(DependencyStates.Check);
        builder.Services.AddSingleton<HealthAnswer>();
        builder.Services.AddSingleton<SidecarVersion>();
        builder.Services.AddSingleton<IReadinessNotes>(static services => services.GetRequiredService<SidecarVersion>());
        builder.Services.AddHostedService(static services => services.GetRequiredService<SidecarVersion>());
        builder.Services.AddMeshTelemetry(serviceName, builder.Configuration);
        builder.Services.AddHostedService<StartingZeros>();
        return builder;
    }

    /// <summary>Maps /healthz, /readyz and /metrics on the HTTP port.</summary>
    public static IEndpointRouteBuilder MapMeshEndpoints(this IEndpointRouteBuilder endpoints)
    {
        endpoints.MapGet("/healthz", HealthAnswer.WriteAsync);
        endpoints.MapReadiness().OnHttpPort();
        endpoints.MapMetrics().OnHttpPort();
        return endpoints;
    }

    /// <summary>Where a started service listens, in the order app port, HTTP port: for tests that asked for free ports.</summary>
    public static (Uri App, Uri Http) BoundAddresses(this WebApplication app)
    {
        var addresses = app.Urls.Select(url => new Uri(url)).ToArray();
        return (addresses[0], addresses[1]);
    }

    private static (MeshPorts Ports, SidecarSettings Sidecar) Read(IConfiguration configuration, string serviceName)
    {
        try
        {
            return (MeshPorts.Read(configuration), SidecarSettings.Read(configuration));
        }
        catch (InvalidOperationException exception)
        {
            throw new SettingsException(serviceName, [exception.Message]);
        }
    }

    private static void Listen(KestrelServerOptions kestrel, IPAddress address, int port, HttpProtocols protocols, ListenerPort name) =>
        kestrel.Listen(address, port, listen =>
        {
            listen.Protocols = protocols;
            listen.Use(next => connection =>
            {
                connection.Features.Set(name);
                return next(connection);
            });
        });
}
