using Microsoft.Extensions.DependencyInjection;
using WhatsAppMesh.Libs.Tests.Scraping;

namespace WhatsAppMesh.Deliveries.Tests;

/// <summary>Names, labels and bounds that dashboards and alerts of others are made of.</summary>
public sealed class MetricNamesTests
{
    [Fact]
    public async Task Metrics_of_a_consumer_keep_their_names_labels_and_bounds()
    {
        var scraped = await ScrapedMetrics.OfAsync(
            static services => services.AddSingleton(new DeliveriesOptions { Service = "names" }).AddSingleton<DeliveriesMetrics>(),
            static services =>
            {
                var metrics = services.GetRequiredService<DeliveriesMetrics>();
                metrics.Handled(metrics.Now());
                metrics.Event(new Events.V1.CollectedEvent { Type = "test", ReceivedAt = new() }, new Verdict(Fate.Applied));
                metrics.Pulled("applied");
                metrics.Replayed("replayed");
            });

        string[] expected =
        [
            "mesh_consumer_events_total counter {result,service,type}",
            "mesh_consumer_handle_seconds histogram {service} [0.005,0.01,0.025,0.05,0.1,0.25,0.5,1,2.5,5,10,30,60,120,300,+Inf]",
            "mesh_consumer_lag_seconds histogram {service} [0.005,0.01,0.025,0.05,0.1,0.25,0.5,1,2.5,5,10,30,60,120,300,+Inf]",
            "mesh_consumer_missing_events gauge {service}",
            "mesh_consumer_pulled_total counter {result,service}",
            "mesh_dead_letters gauge {category,service}",
            "mesh_replays_total counter {result,service}",
        ];
        Assert.Superset(expected.ToHashSet(), scraped.ToHashSet());
    }
}
