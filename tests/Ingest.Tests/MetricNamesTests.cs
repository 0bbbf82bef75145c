using Microsoft.Extensions.DependencyInjection;
using WhatsAppMesh.Hosting;
using WhatsAppMesh.Libs.Tests.Scraping;

namespace WhatsAppMesh.Ingest.Tests;

/// <summary>Names, labels and bounds that dashboards and alerts of others are made of.</summary>
public sealed class MetricNamesTests
{
    [Fact]
    public async Task Metrics_of_ingest_keep_their_names_labels_and_bounds()
    {
        var scraped = await ScrapedMetrics.OfAsync(static services => services.AddSingleton<IngestMetrics>(), static services =>
        {
            var metrics = services.GetRequiredService<IngestMetrics>();
            metrics.Rejected("default");
            metrics.Committed(3);
            metrics.Published(3);
            metrics.Retired(1);
        });

        // What hosting counts, and other hosts of this process, may stand there besides.
        Assert.Superset(
            new HashSet<string>
            {
                "mesh_dedupe_hit_ratio gauge",
                "mesh_ingest_commit_batch_size histogram [1,2,4,8,16,32,64,128,256,512,1024,+Inf]",
                "mesh_ingest_events_total counter {result,source,type}",
                "mesh_memory_bytes gauge {kind,service}",
                "mesh_memory_limit_bytes gauge {kind,service}",
                "mesh_publish_total counter {result}",
                "mesh_retention_events_total counter",
                "mesh_retention_waiting_partitions gauge",
                "mesh_unpublished_events gauge",
                "mesh_unpublished_oldest_age_seconds gauge",
            },
            scraped.ToHashSet());
    }

    [Fact]
    public async Task What_was_published_and_refused_is_there_before_the_first_event()
    {
        var scraped = await ScrapedMetrics.OfAsync(
            static services => services.AddSingleton<IngestMetrics>().AddSingleton<IStartsAtZero>(static provider => provider.GetRequiredService<IngestMetrics>()),
            static _ => { });

        Assert.Superset(new HashSet<string> { "mesh_publish_total counter {result}", "mesh_retention_events_total counter" }, scraped.ToHashSet());
    }
}
