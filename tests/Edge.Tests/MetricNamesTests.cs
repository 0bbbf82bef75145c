using Microsoft.Extensions.DependencyInjection;
using WhatsAppMesh.Edge.Limits;
using WhatsAppMesh.Edge.Operator;
using WhatsAppMesh.Hosting;
using WhatsAppMesh.Libs.Tests.Scraping;

namespace WhatsAppMesh.Edge.Tests;

/// <summary>Names, labels and bounds that dashboards and alerts of others are made of.</summary>
public sealed class MetricNamesTests
{
    [Fact]
    public async Task Metrics_of_edge_keep_their_names_labels_and_bounds()
    {
        var scraped = await ScrapedMetrics.OfAsync(
            static services => services.AddSingleton(new BodyBudget(1, 1)).AddSingleton<EdgeMetrics>().AddSingleton<OperatorMetrics>(),
            static services =>
            {
                services.GetRequiredService<EdgeMetrics>().Answered("default", "accepted", "ok", TimeSpan.FromSeconds(1));
                services.GetRequiredService<EdgeMetrics>().CatalogLoaded(["default"]);
                services.GetRequiredService<OperatorMetrics>().Answered("key", 200, "ok", TimeSpan.FromSeconds(1));
            });

        string[] expected =
        [
            "mesh_edge_bodies gauge",
            "mesh_edge_body_bytes gauge",
            "mesh_edge_catalog_loads_total counter",
            "mesh_edge_catalog_problems gauge",
            "mesh_edge_request_seconds histogram [0.001,0.0025,0.005,0.01,0.025,0.05,0.1,0.25,0.5,1,2.5,5,10,30,+Inf]",
            "mesh_edge_requests_total counter {outcome,reason,source}",
            "mesh_operator_request_seconds histogram [0.005,0.01,0.025,0.05,0.1,0.25,0.5,1,2.5,5,10,30,60,300,+Inf]",
            "mesh_operator_requests_total counter {key,reason,status}",
        ];
        // Other edges of this process count too, and may have more to tell.
        Assert.Superset(expected.ToHashSet(), scraped.ToHashSet());
    }

    [Fact]
    public async Task Refusals_are_there_before_the_first_so_that_a_rate_sees_it()
    {
        var scraped = await ScrapedMetrics.OfAsync(
            static services => services.AddSingleton(new BodyBudget(1, 1)).AddSingleton<EdgeMetrics>()
                .AddSingleton<IStartsAtZero>(static provider => provider.GetRequiredService<EdgeMetrics>()),
            static _ => { });

        Assert.Superset(new HashSet<string> { "mesh_edge_requests_total counter {outcome,reason,source}", "mesh_edge_catalog_loads_total counter" }, scraped.ToHashSet());
    }
}
