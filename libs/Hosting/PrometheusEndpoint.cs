using System.Buffers;
using System.Text;
using Microsoft.AspNetCore.Http;
using OpenTelemetry;
using OpenTelemetry.Metrics;

namespace WhatsAppMesh.Hosting;

/// <summary>Collects on demand, when /metrics is scraped.</summary>
internal sealed class PrometheusReader() : BaseExportingMetricReader(new PrometheusExporter())
{
    private readonly Lock _scrape = new();

    /// <summary>All metrics now, in Prometheus' text format.</summary>
    public string Scrape()
    {
        lock (_scrape)
        {
            Collect();
            return ((PrometheusExporter)exporter).Text;
        }
    }

    private sealed class PrometheusExporter : BaseExporter<Metric>
    {
        public string Text { get; private set; } = "";

        public override ExportResult Export(in Batch<Metric> batch)
        {
            var text = new StringBuilder(16 * 1024);
            foreach (var metric in batch)
                PrometheusText.Append(text, metric);
            Text = text.ToString();
            return ExportResult.Success;
        }
    }
}

/// <summary>GET /metrics.</summary>
internal static class PrometheusEndpoint
{
    public static Task WriteAsync(HttpContext context, PrometheusReader reader)
    {
        context.Response.ContentType = "text/plain; version=0.0.4; charset=utf-8";
        context.Response.BodyWriter.Write(Encoding.UTF8.GetBytes(reader.Scrape()));
        return context.Response.CompleteAsync();
    }
}
