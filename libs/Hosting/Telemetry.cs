using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;

namespace WhatsAppMesh.Hosting;

/// <summary>OpenTelemetry, the same in every service: metrics for /metrics, and both signals over OTLP when an endpoint is set; traces alone where metrics are scraped.</summary>
internal static class Telemetry
{
    // ASP.NET Core, HttpClient and Npgsql emit their own activities and meters: subscribing by name is all it takes.
    private static readonly string[] Sources = ["WhatsAppMesh.*", "Microsoft.AspNetCore", "System.Net.Http", "Npgsql", "Yarp.ReverseProxy"];

    private static readonly string[] Meters =
        ["WhatsAppMesh.*", "Microsoft.AspNetCore.Hosting", "Microsoft.AspNetCore.Server.Kestrel", "System.Runtime", "Npgsql"];

    public static void AddMeshTelemetry(this IServiceCollection services, string serviceName, IConfiguration configuration)
    {
        var exportOverOtlp = !string.IsNullOrEmpty(configuration["OTEL_EXPORTER_OTLP_ENDPOINT"]);
        // OpenTelemetry's own name. What is scraped and sent too would be counted twice.
        var exportMetrics = exportOverOtlp && configuration["OTEL_METRICS_EXPORTER"] != "none";
        var prometheus = new PrometheusReader();
        services.AddSingleton(prometheus);
        services.AddOpenTelemetry()
            .ConfigureResource(resource => resource.AddService(serviceName, serviceNamespace: "whatsapp-mesh"))
            .WithMetrics(metrics =>
            {
                metrics.AddMeter(Meters).AddReader(prometheus);
                if (exportMetrics)
                    metrics.AddOtlpExporter();
            })
            .WithTracing(tracing =>
            {
                tracing.AddSource(Sources);
                if (exportOverOtlp)
                    tracing.AddOtlpExporter();
            });
    }
}
