using Microsoft.Extensions.DependencyInjection;
using WhatsAppMesh.Hosting;
using WhatsAppMesh.Libs.Tests.Scraping;
using WhatsAppMesh.Membership.Events;
using WhatsAppMesh.Membership.Store;

namespace WhatsAppMesh.Membership.Tests;

/// <summary>Names, labels and bounds that dashboards and alerts of others are made of.</summary>
public sealed class MetricNamesTests
{
    [Fact]
    public async Task Metrics_of_membership_keep_their_names_and_labels()
    {
        var scraped = await ScrapedMetrics.OfAsync(
            static services => services.AddSingleton<MembershipMetrics>(),
            static services =>
            {
                var seen = new Observations { Skipped = 1, Silences = { [new SilentEvent("groups.update", SilentReason.UnreadStub)] = 1 } };
                services.GetRequiredService<MembershipMetrics>().Applied(new BatchOutcome(), seen);
            });

        string[] expected =
        [
            "mesh_member_joins_total counter {result}",
            "mesh_membership_facts_total counter",
            "mesh_membership_folds_total counter {mode}",
            "mesh_membership_rows_skipped_total counter",
            "mesh_membership_silent_events_total counter {reason,type}",
        ];
        Assert.Superset(expected.ToHashSet(), scraped.ToHashSet());
    }

    [Fact]
    public async Task What_membership_counts_is_there_before_the_first_event()
    {
        var scraped = await ScrapedMetrics.OfAsync(
            static services => services.AddSingleton<MembershipMetrics>().AddSingleton<IStartsAtZero>(static provider => provider.GetRequiredService<MembershipMetrics>()),
            static _ => { });

        Assert.Superset(new HashSet<string> { "mesh_membership_folds_total counter {mode}", "mesh_member_joins_total counter {result}" }, scraped.ToHashSet());
    }
}
