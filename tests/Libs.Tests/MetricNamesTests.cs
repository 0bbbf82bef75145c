using System.Diagnostics.Metrics;
using Microsoft.Extensions.DependencyInjection;
using WhatsAppMesh.Hosting;
using WhatsAppMesh.Libs.Tests.Scraping;

namespace WhatsAppMesh.Libs.Tests;

/// <summary>Metrics that every service has, and what a scraper sees before anything was counted.</summary>
public sealed class MetricNamesTests
{
    [Fact]
    public async Task Every_service_tells_its_memory_and_what_it_may_have()
    {
        var scraped = await ScrapedMetrics.OfAsync(static _ => { }, static _ => { });

        Assert.Superset(new HashSet<string> { "mesh_memory_bytes gauge {kind,service}", "mesh_memory_limit_bytes gauge {kind,service}" }, scraped.ToHashSet());
    }

    [Fact]
    public async Task A_counter_that_begins_is_there_before_it_has_counted_anything()
    {
        var scraped = await ScrapedMetrics.OfAsync(
            static services => services.AddSingleton<Counting>().AddSingleton<IStartsAtZero>(static provider => provider.GetRequiredService<Counting>()), static _ => { });

        Assert.Contains("mesh_begun_total counter", scraped);
        Assert.DoesNotContain("mesh_born_total counter", scraped);
    }

    private sealed class Counting : IStartsAtZero
    {
        private readonly Counter<long> _begun;

        public Counting(IMeterFactory meters)
        {
            var meter = meters.Create("WhatsAppMesh.Test");
            _begun = meter.CreateCounter<long>("mesh_begun_total");
            meter.CreateCounter<long>("mesh_born_total");
        }

        public void Begin() => _begun.Add(0);
    }
}
