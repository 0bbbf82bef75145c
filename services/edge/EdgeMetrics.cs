using System.Diagnostics;
using System.Diagnostics.Metrics;
using WhatsAppMesh.Hosting;

namespace WhatsAppMesh.Edge;

/// <summary>What edge counts. Labels hold configured names and fixed words only, never anything that a client chose.</summary>
public sealed class EdgeMetrics : IStartsAtZero
{
    private static readonly double[] SecondsBuckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

    /// <summary>Source of whoever is not known.</summary>
    internal const string Unknown = "unknown";

    private readonly Counter<long> _requests;
    private readonly Histogram<double> _seconds;
    private readonly Counter<long> _catalogLoads;

    /// <summary>Creates the instruments.</summary>
    public EdgeMetrics(IMeterFactory meters, Limits.BodyBudget budget)
    {
        var meter = meters.Create("WhatsAppMesh.Edge");
        _requests = meter.CreateCounter<long>("mesh_edge_requests_total", description: "Requests answered, by source, outcome and reason.");
        _seconds = meter.CreateHistogram(
            "mesh_edge_request_seconds",
            "s",
            "Time from a request's headers to the end of its answer.",
            advice: new InstrumentAdvice<double> { HistogramBucketBoundaries = [.. SecondsBuckets] });
        _catalogLoads = meter.CreateCounter<long>(
            "mesh_edge_catalog_loads_total", description: "Versions of the senders' configuration taken into use.");
        meter.CreateObservableGauge(
            "mesh_edge_catalog_problems", () => CatalogProblems, description: "Errors in the senders' newest configuration; 0 is healthy.");
        meter.CreateObservableGauge("mesh_edge_bodies", () => budget.Bodies, description: "Request bodies held now.");
        meter.CreateObservableGauge("mesh_edge_body_bytes", () => budget.Bytes, description: "Memory that they hold now, in bytes.");
    }

    /// <summary>Errors in the senders' newest configuration and secrets.</summary>
    public int CatalogProblems { get; set; }

    /// <summary>A request has been answered.</summary>
    /// <param name="source">Configured name of the source, or <c>unknown</c>.</param>
    /// <param name="outcome"><c>accepted</c>, <c>refused</c> (the client's doing), <c>limited</c>, <c>failed</c> (ours) or <c>aborted</c>.</param>
    /// <param name="reason">Why, as one of a fixed set of words.</param>
    /// <param name="elapsed">How long it took.</param>
    public void Answered(string source, string outcome, string reason, TimeSpan elapsed)
    {
        var tags = new TagList { { "source", source }, { "outcome", outcome }, { "reason", reason } };
        _requests.Add(1, tags);
        _seconds.Record(elapsed.TotalSeconds);
    }

    /// <summary>A new version of the senders' configuration is in use.</summary>
    /// <param name="sources">Names of all senders: what each does is counted from zero on.</param>
    public void CatalogLoaded(IEnumerable<string> sources)
    {
        ArgumentNullException.ThrowIfNull(sources);
        _catalogLoads.Add(1);
        foreach (var source in sources)
        {
            CountNothing(source, "accepted", "ok");
            CountNothing(source, "refused", "wrong_signature");
        }
    }

    /// <inheritdoc/>
    public void Begin()
    {
        _catalogLoads.Add(0);
        foreach (var reason in Refusal.ProofReasons)
            CountNothing(Unknown, "refused", reason);
    }

    private void CountNothing(string source, string outcome, string reason) =>
        _requests.Add(0, new TagList { { "source", source }, { "outcome", outcome }, { "reason", reason } });
}
