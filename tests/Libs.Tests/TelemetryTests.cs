using System.Collections.Concurrent;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using OpenTelemetry.Metrics;
using WhatsAppMesh.Hosting;

namespace WhatsAppMesh.Libs.Tests;

public sealed class TelemetryTests
{
    [Theory]
    [InlineData(null, true)]
    [InlineData("otlp", true)]
    [InlineData("none", false)]
    public async Task Metrics_are_sent_to_the_collector_unless_somebody_scrapes_them(string? exporter, bool sent)
    {
        var paths = new ConcurrentQueue<string>();
        await using var collector = await StartAsync(WebApplication.CreateSlimBuilder(), app => app.Map("/{**path}", (HttpContext context) => paths.Enqueue(context.Request.Path)), "http://127.0.0.1:0");
        var builder = WebApplication.CreateSlimBuilder();
        builder.Configuration.AddInMemoryCollection(new Dictionary<string, string?>
        {
            ["APP_PORT"] = "0",
            ["HTTP_PORT"] = "0",
            ["OTEL_EXPORTER_OTLP_ENDPOINT"] = collector.Urls.First(),
            ["OTEL_EXPORTER_OTLP_PROTOCOL"] = "http/protobuf",
            ["OTEL_METRICS_EXPORTER"] = exporter,
        });
        builder.AddMeshHosting("test");
        await using var service = await StartAsync(builder, static _ => { });

        // Whoever exports does so now, and each waits for it; the exporter gives a slow collector up after ten seconds.
        for (var tries = 0; tries < 6 && !paths.Contains("/v1/metrics"); tries++)
            service.Services.GetRequiredService<MeterProvider>().ForceFlush();

        Assert.Equal(sent, paths.Contains("/v1/metrics"));
    }

    private static async Task<WebApplication> StartAsync(WebApplicationBuilder builder, Action<WebApplication> map, string? url = null)
    {
        if (url is not null)
            builder.WebHost.UseUrls(url);
        var app = builder.Build();
        map(app);
        await app.StartAsync();
        return app;
    }
}
