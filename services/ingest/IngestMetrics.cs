using System.Diagnostics.Metrics;
using WhatsAppMesh.Hosting;

namespace WhatsAppMesh.Ingest;

/// <summary>What ingest counts; names are public (contract of metrics), labels never hold personal data.</summary>
internal sealed class IngestMetrics : IStartsAtZero, IDisposable
{
    private readonly Meter _meter = new("WhatsAppMesh.Ingest");
    private readonly Counter<long> _events;
    private readonly Histogram<int> _batchSize;
    private readonly Counter<long> _publishes;
    private readonly Counter<long> _retired;
    private long _fresh;
    private long _duplicates;

    /// <summary>Creates the instruments.</summary>
    public IngestMetrics()
    {
        _events = _meter.CreateCounter<long>("mesh_ingest_events_total", description: "Events by what became of them");
        _batchSize = _meter.CreateHistogram("mesh_ingest_commit_batch_size", description: "Events in one commit", advice: new InstrumentAdvice<int>
        {
            HistogramBucketBoundaries = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024],
        });
        _publishes = _meter.CreateCounter<long>("mesh_publish_total", description: "Events published, and publish requests refused");
        _retired = _meter.CreateCounter<long>("mesh_retention_events_total", description: "Events that retention has dropped");
        _meter.CreateObservableGauge("mesh_retention_waiting_partitions", () => RetentionWaiting, description: "Partitions old enough to be dropped that a consumer or the publisher still needs");
        _meter.CreateObservableGauge("mesh_dedupe_hit_ratio", DuplicateShare, description: "Share of duplicates among all events since the start");
        _meter.CreateObservableGauge("mesh_unpublished_events", () => Backlog.Events, description: "Events in the log that are not published yet");
        _meter.CreateObservableGauge("mesh_unpublished_oldest_age_seconds", () => Backlog.OldestAgeSeconds, description: "Age of the oldest unpublished event");
    }

    /// <inheritdoc/>
    public void Begin()
    {
        foreach (var result in (ReadOnlySpan<string>)["published", "refused"])
            _publishes.Add(0, new KeyValuePair<string, object?>("result", result));
        _retired.Add(0);
    }

    /// <summary>The newest look at what waits to be published.</summary>
    public PublishBacklog Backlog { get; set; }

    /// <summary>Partitions that retention had to leave at its last look.</summary>
    public int RetentionWaiting { get; set; }

    /// <summary>Retention dropped events.</summary>
    public void Retired(long events) => _retired.Add(events);

    /// <summary>An event was stored, or was there already.</summary>
    public void Stored(NewEvent item, StoredEvent stored)
    {
        Interlocked.Increment(ref stored.IsNew ? ref _fresh : ref _duplicates);
        var result = stored.IsReuse ? "rejected" : !stored.IsNew ? "duplicate" : stored.Revision > 0 ? "revised" : "accepted";
        // Sources in a file are whatever was written into it.
        _events.Add(1, new("source", item.IsImported ? "import" : item.Source), new("type", EventTypes.Label(item.Type)), new("result", result));
    }

    /// <summary>A request was refused for what is in it.</summary>
    public void Rejected(string source) =>
        _events.Add(1, new("source", source), new("type", EventTypes.Other), new("result", "rejected"));

    /// <summary>A batch was committed.</summary>
    public void Committed(int events) => _batchSize.Record(events);

    /// <summary>Events were taken by the sidecar.</summary>
    public void Published(int events) => _publishes.Add(events, new KeyValuePair<string, object?>("result", "published"));

    /// <summary>A publish request was refused or failed.</summary>
    public void PublishFailed() => _publishes.Add(1, new KeyValuePair<string, object?>("result", "refused"));

    /// <inheritdoc/>
    public void Dispose() => _meter.Dispose();

    private double DuplicateShare()
    {
        var duplicates = Interlocked.Read(ref _duplicates);
        var all = duplicates + Interlocked.Read(ref _fresh);
        return all == 0 ? 0 : (double)duplicates / all;
    }
}

/// <summary>What waits to be published.</summary>
/// <param name="Events">Logged, not yet published, over all logs.</param>
/// <param name="OldestAgeSeconds">Age of the oldest of them; 0 when there is none.</param>
internal readonly record struct PublishBacklog(long Events, double OldestAgeSeconds);
