using Microsoft.Extensions.DependencyInjection;
using WhatsAppMesh.Hosting;
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
                metrics.Missing(0);
                metrics.DeadLetters(0, 0);
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

    [Fact]
    public async Task What_has_not_been_counted_yet_is_absent_and_so_is_what_another_replica_counts()
    {
        var metrics = new List<string>(["mesh_consumer_missing_events gauge {service}", "mesh_dead_letters gauge {category,service}"]);

        var before = await ScrapeAsync(static _ => { });
        var elsewhere = await ScrapeAsync(static metrics =>
        {
            metrics.Missing(5);
            metrics.PulledElsewhere();
        });

        Assert.DoesNotContain(before, metrics.Contains);
        Assert.DoesNotContain(elsewhere, metrics.Contains);
        Assert.Superset(new HashSet<string> { "mesh_consumer_pulled_total counter {result,service}", "mesh_replays_total counter {result,service}" }, before.ToHashSet());

        static Task<IReadOnlyList<string>> ScrapeAsync(Action<DeliveriesMetrics> count) => ScrapedMetrics.OfAsync(
            static services => services.AddSingleton(new DeliveriesOptions { Service = "names" }).AddSingleton<DeliveriesMetrics>()
                .AddSingleton<IStartsAtZero>(static provider => provider.GetRequiredService<DeliveriesMetrics>()),
            services => count(services.GetRequiredService<DeliveriesMetrics>()));
    }
}
