using System.Diagnostics;
using System.Diagnostics.Metrics;
using WhatsAppMesh.Hosting;

namespace WhatsAppMesh.Dispatch.Sending;

/// <summary>What sending counts. No label holds a phone number, a JID or a message.</summary>
internal sealed class SendMetrics : IStartsAtZero, IDisposable
{
    private static readonly string[] Categories = ["transient", "throttled", "permanent", "unknown"];

    private readonly Meter _meter;
    private readonly Counter<long> _claimed;
    private readonly Counter<long> _skipped;
    private readonly Counter<long> _duplicates;
    private readonly Counter<long> _lost;
    private readonly Counter<long> _unanswered;
    private readonly Counter<long> _sends;
    private readonly Histogram<int> _attempts;
    private readonly Histogram<double> _seconds;
    private volatile SendBacklog? _backlog;

    public SendMetrics(IMeterFactory meters, BrokerCircuit circuit)
    {
        _meter = meters.Create("WhatsAppMesh.Dispatch.Sending");
        _claimed = _meter.CreateCounter<long>("jobs_claimed", description: "Jobs claimed by this replica.");
        _skipped = _meter.CreateCounter<long>("jobs_skipped_already_claimed", description: "Jobs that another replica had claimed.");
        _duplicates = _meter.CreateCounter<long>("jobs_duplicate_blocked", description: "Jobs whose claim says that they were sent before.");
        _lost = _meter.CreateCounter<long>("mesh_claims_lost_total", description: "Claims lost to another replica; nothing was written after that.");
        _unanswered = _meter.CreateCounter<long>("mesh_claims_unanswered_total", description: "Claims that the state store did not tell of, though it answered; their jobs stay due.");
        _sends = _meter.CreateCounter<long>("mesh_sends_total", description: "Ended attempts, by instance, result and category.");
        _attempts = _meter.CreateHistogram<int>("mesh_send_attempts", description: "Attempts that a job took until it ended.", advice: new() { HistogramBucketBoundaries = [1, 2, 3, 4, 5, 8] });
        _seconds = _meter.CreateHistogram<double>(
            "mesh_send_seconds",
            description: "Time of a call to the broker, the sidecar's retries included.",
            advice: new() { HistogramBucketBoundaries = [0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 30, 45, 60] });
        _meter.CreateObservableGauge("mesh_broker_circuit_state", () => circuit.IsOpen ? 1 : 0, description: "1 while the sidecar's circuit breaker lets no call to the broker through.");
        // What has not been counted yet is not zero: it is not there.
        _meter.CreateObservableGauge("mesh_jobs_in_doubt", () => Of(static all => all.InDoubt), description: "Jobs of which nobody knows whether they were sent.");
        _meter.CreateObservableGauge("mesh_sends_waiting", () => Of(static all => all.Waiting), description: "Sends that are due and have not gone out.");
        _meter.CreateObservableGauge(
            "mesh_sends_waiting_oldest_age_seconds", () => Of(static all => all.OldestAgeSeconds), description: "How long the first of them has been due; 0 where sending is disabled.");
        _meter.CreateObservableGauge("mesh_sends_failed", Failed, description: "Sends that failed for good and wait for a decision, by category.");
        _meter.CreateObservableGauge("mesh_sends_expired", () => Of(static all => all.Expired), description: "Sends that were never tried in time and wait for a decision.");
    }

    /// <inheritdoc/>
    public void Begin()
    {
        foreach (var counter in (ReadOnlySpan<Counter<long>>)[_claimed, _skipped, _duplicates, _lost, _unanswered])
            counter.Add(0);
    }

    /// <summary>Claims were taken.</summary>
    public void Claimed(int count) => _claimed.Add(count);

    /// <summary>Claims were others'.</summary>
    public void Skipped(int count) => _skipped.Add(count);

    /// <summary>Claims said "sent".</summary>
    public void DuplicatesBlocked(int count) => _duplicates.Add(count);

    /// <summary>The store did not tell of claims.</summary>
    public void Unanswered(int count) => _unanswered.Add(count);

    /// <summary>A claim was lost.</summary>
    public void Lost() => _lost.Add(1);

    /// <summary>An attempt ended.</summary>
    public void Ended(FinishedJob ended, string status)
    {
        var result = status != SendOutcome.Pending ? status : ended.Outcome.Counts ? "retry" : "postponed";
        _sends.Add(1, new TagList { { "instance", InstanceLabel.Of(ended.Job.InstanceId) }, { "result", result }, { "category", ended.Outcome.Category ?? "none" } });
        if (status != SendOutcome.Pending)
            _attempts.Record(ended.Job.Attempt);
        if (ended.Latency is { } latency)
            _seconds.Record(latency.TotalSeconds);
    }

    /// <summary>The sends of all replicas were counted.</summary>
    public void Counted(SendBacklog backlog) => _backlog = backlog;

    /// <inheritdoc/>
    public void Dispose() => _meter.Dispose();

    private IEnumerable<Measurement<T>> Of<T>(Func<SendBacklog, T> number) where T : struct => _backlog is { } all ? [new Measurement<T>(number(all))] : [];

    private IEnumerable<Measurement<long>> Failed() => _backlog is not { } all
        ? []
        : Categories.Select(category => new Measurement<long>(
            all.Failed.GetValueOrDefault(category), new KeyValuePair<string, object?>("category", category)));
}
