using System.Diagnostics;
using System.Diagnostics.Metrics;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Net.Http.Headers;
using OpenTelemetry;
using OpenTelemetry.Context.Propagation;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;

namespace WhatsAppMesh.Hosting;

/// <summary>OpenTelemetry, the same in every service: metrics for /metrics, and both signals over OTLP when an endpoint is set; traces alone where metrics are scraped.</summary>
internal static class Telemetry
{
    private const string Own = "WhatsAppMesh.";

    // Npgsql and YARP have no instrumentation package here, and need none: they emit activities and meters of their own.
    private static readonly string[] Sources = [Own + "*", "Npgsql", "Yarp.ReverseProxy"];
    private static readonly string[] Meters = [Own + "*", "Npgsql"];

    // What the framework's and Npgsql's meters may say. Everything else is left out, whatever a newer version adds: their addresses of servers and
    // peers and their looked up names tell where a database or a broker is. A port is enough to tell the sidecar from the next service.
    private static readonly string[] Labels =
    [
        "http.request.method", "http.response.status_code", "http.route", "http.connection.state", "error.type", "url.scheme",
        "network.protocol.name", "network.protocol.version", "network.transport", "network.type", "server.port", "tls.protocol.version",
        "aspnetcore.routing.match_status", "aspnetcore.routing.is_fallback", "aspnetcore.request.is_unhandled", "aspnetcore.user.is_authenticated",
        "aspnetcore.diagnostics.exception.result", "aspnetcore.diagnostics.handler.type",
        "aspnetcore.rate_limiting.policy", "aspnetcore.rate_limiting.result",
        "db.system.name", "db.client.connection.pool.name", "db.client.connection.state",
        "gc.heap.generation", "cpu.mode",
    ];

    public static void AddMeshTelemetry(this IServiceCollection services, string serviceName, IConfiguration configuration)
    {
        // The trace goes on; baggage is text of a client's choice, and would travel through every service.
        Sdk.SetDefaultTextMapPropagator(new TraceContextPropagator());
        var exportOverOtlp = !string.IsNullOrEmpty(configuration["OTEL_EXPORTER_OTLP_ENDPOINT"]);
        // OpenTelemetry's own name. What is scraped and sent too would be counted twice.
        var exportMetrics = exportOverOtlp && configuration["OTEL_METRICS_EXPORTER"] != "none";
        services.AddSingleton(provider => new MemoryMetrics(provider.GetRequiredService<IMeterFactory>(), serviceName, new ContainerMemory()));
        services.AddOpenTelemetry()
            .ConfigureResource(resource => resource.AddService(serviceName, serviceNamespace: "whatsapp-mesh"))
            .WithMetrics(metrics =>
            {
                metrics.AddMeter(Meters).AddAspNetCoreInstrumentation().AddHttpClientInstrumentation().AddRuntimeInstrumentation();
                metrics.AddInstrumentation(static provider => provider.GetRequiredService<MemoryMetrics>());
                metrics.AddView(static instrument =>
                    instrument.Meter.Name.StartsWith(Own, StringComparison.Ordinal) ? null : new MetricStreamConfiguration { TagKeys = Labels });
                metrics.AddPrometheusExporter(static prometheus =>
                {
                    // Series as they always were: whoever scrapes adds what a target is, and each metric has one meter.
                    prometheus.ScopeInfoEnabled = false;
                    prometheus.TargetInfoEnabled = false;
                    // Every scrape is a look at this moment.
                    prometheus.ScrapeResponseCacheDurationMilliseconds = 0;
                });
                if (exportMetrics)
                    metrics.AddOtlpExporter();
            })
            .WithTracing(tracing =>
            {
                tracing.AddSource(Sources).AddAspNetCoreInstrumentation().AddHttpClientInstrumentation().AddProcessor(new PathsLeftOut());
                if (exportOverOtlp)
                    tracing.AddOtlpExporter();
            });
    }

    /// <summary>
    /// Maps GET /metrics, in the text format whatever else the scraper takes: OpenMetrics writes bounds as other labels (<c>1.0</c> for
    /// <c>1</c>) and a series of times of creation beside every other, so one release's series would not go on in the next.
    /// </summary>
    public static IEndpointConventionBuilder MapMetrics(this IEndpointRouteBuilder endpoints)
    {
        var scraping = endpoints.MapPrometheusScrapingEndpoint("/metrics");
        scraping.Add(static endpoint =>
        {
            var scrape = endpoint.RequestDelegate!;
            endpoint.RequestDelegate = context =>
            {
                context.Request.Headers[HeaderNames.Accept] = "text/plain";
                return scrape(context);
            };
        });
        return scraping;
    }

    /// <summary>Leaves out of traces what a path says, for it may name a group, a person or a lead; the route says which door it was.</summary>
    private sealed class PathsLeftOut : BaseProcessor<Activity>
    {
        public override void OnEnd(Activity data)
        {
            foreach (var tag in (ReadOnlySpan<string>)["url.path", "url.full", "url.query"])
                data.SetTag(tag, null);
        }
    }
}
