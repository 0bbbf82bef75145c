using Microsoft.Extensions.DependencyInjection;
using WhatsAppMesh.Dispatch;
using WhatsAppMesh.Dispatch.Claims;
using WhatsAppMesh.Dispatch.Sending;
using WhatsAppMesh.Hosting;
using WhatsAppMesh.Libs.Tests.Scraping;

namespace WhatsAppMesh.Sends.Tests;

/// <summary>Names, labels and bounds that dashboards and alerts of others are made of.</summary>
public sealed class MetricNamesTests
{
    [Fact]
    public async Task Metrics_of_dispatch_keep_their_names_labels_and_bounds()
    {
        var scraped = await ScrapedMetrics.OfAsync(
            static services => services.AddSingleton(new ClaimOptions()).AddSingleton<ClaimCalls>().AddSingleton<BrokerCircuit>().AddSingleton<SendMetrics>().AddSingleton<DispatchMetrics>(),
            static services =>
            {
                var jobs = services.GetRequiredService<DispatchMetrics>();
                jobs.Planned(1, 1);
                jobs.Expired(1);
                jobs.WatermarkHit("instance-0");
                var sends = services.GetRequiredService<SendMetrics>();
                sends.Claimed(1);
                sends.Skipped(1);
                sends.DuplicatesBlocked(1);
                sends.Unanswered(1);
                sends.Lost();
                sends.Ended(Ended(), SendOutcome.Sent);
                services.GetRequiredService<ClaimCalls>().Settled("internal");
                sends.Counted(new SendBacklog(1, 2, new Dictionary<string, long>(), 0, 0));
            });

        string[] expected =
        [
            "jobs_claimed_total counter",
            "jobs_duplicate_blocked_total counter",
            "jobs_skipped_already_claimed_total counter",
            "mesh_broker_circuit_state gauge",
            "mesh_claim_calls_total counter {call,code,result}",
            "mesh_claims_lost_total counter",
            "mesh_claims_unanswered_total counter",
            "mesh_dependency_degraded gauge {dependency}",
            "mesh_dependency_failures_total counter {code,dependency}",
            "mesh_jobs_cancelled_total counter",
            "mesh_jobs_created_total counter",
            "mesh_jobs_expired_total counter",
            "mesh_jobs_in_doubt gauge",
            "mesh_send_attempts histogram [1,2,3,4,5,8,+Inf]",
            "mesh_send_seconds histogram [0.025,0.05,0.1,0.25,0.5,1,2.5,5,10,20,30,45,60,+Inf]",
            "mesh_send_watermark_hits_total counter {instance}",
            "mesh_sends_expired gauge",
            "mesh_sends_failed gauge {category}",
            "mesh_sends_total counter {category,instance,result}",
            "mesh_sends_waiting gauge",
            "mesh_sends_waiting_oldest_age_seconds gauge",
        ];
        Assert.Superset(expected.ToHashSet(), scraped.ToHashSet());
    }

    [Fact]
    public async Task What_has_not_happened_yet_is_zero_and_what_has_not_been_counted_is_absent()
    {
        var scraped = await ScrapedMetrics.OfAsync(
            static services => services.AddSingleton<BrokerCircuit>().AddSingleton<SendMetrics>().AddSingleton<DispatchMetrics>()
                .AddSingleton<IStartsAtZero>(static provider => provider.GetRequiredService<SendMetrics>())
                .AddSingleton<IStartsAtZero>(static provider => provider.GetRequiredService<DispatchMetrics>()),
            static _ => { });

        string[] expected = ["jobs_claimed_total counter", "jobs_skipped_already_claimed_total counter", "jobs_duplicate_blocked_total counter", "mesh_jobs_expired_total counter"];
        Assert.Superset(expected.ToHashSet(), scraped.ToHashSet());
        Assert.DoesNotContain(scraped, static metric => metric.StartsWith("mesh_sends_", StringComparison.Ordinal) || metric.StartsWith("mesh_jobs_in_doubt", StringComparison.Ordinal));
    }

    private static FinishedJob Ended()
    {
        var claim = new HeldClaim("key", "owner", 1, "etag", 0);
        var job = new StartedJob
        {
            Id = Guid.CreateVersion7(), Tenant = "acme", Kind = "direct", InstanceId = "instance-0", SendKey = "key", Message = "{}", Subject = "{}",
            Attempt = 1, TraceParent = null, Claim = claim,
        };
        return new FinishedJob(job, claim, new SendOutcome(SendOutcome.Sent), 200, TimeSpan.FromSeconds(1));
    }
}
