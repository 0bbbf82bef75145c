using System.Diagnostics;
using System.Diagnostics.Metrics;

namespace WhatsAppMesh.Edge.Operator;

/// <summary>What the operator API counts. Labels hold configured names and fixed words only.</summary>
internal sealed class OperatorMetrics
{
    private readonly Counter<long> _requests;
    private readonly Histogram<double> _seconds;

    /// <summary>Creates the instruments.</summary>
    public OperatorMetrics(IMeterFactory meters)
    {
        var meter = meters.Create("WhatsAppMesh.Edge");
        _requests = meter.CreateCounter<long>(
            "mesh_operator_requests_total", description: "Requests of the operator API answered, by key, status and reason.");
        // Up to exports and imports, which take minutes.
        _seconds = meter.CreateHistogram<double>(
            "mesh_operator_request_seconds",
            "s",
            "Time until the end of an answer of the operator API.",
            advice: new() { HistogramBucketBoundaries = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300] });
    }

    /// <summary>A request has been answered.</summary>
    /// <param name="key">Name of the key, or <c>unknown</c>.</param>
    /// <param name="status">HTTP status.</param>
    /// <param name="reason"><c>ok</c>, <c>client_gone</c> or the code of the refusal.</param>
    /// <param name="elapsed">How long it took.</param>
    public void Answered(string key, int status, string reason, TimeSpan elapsed)
    {
        _requests.Add(1, new TagList { { "key", key }, { "status", status }, { "reason", reason } });
        _seconds.Record(elapsed.TotalSeconds);
    }
}
