using System.Diagnostics;
using System.Diagnostics.Metrics;
using WhatsAppMesh.Events.V1;
using WhatsAppMesh.Hosting;

namespace WhatsAppMesh.Deliveries;

/// <summary>The metrics every consumer has. No label holds a phone number, a JID or an unknown event type.</summary>
internal sealed class DeliveriesMetrics : IStartsAtZero, IDisposable
{
    private const long Unknown = -1;

    private static readonly string[] PullResults = ["applied", "known", "dead", "retry"];
    private static readonly string[] ReplayResults = ["replayed", "failed", "skipped"];

    // Seconds, from a fast batch to a consumer that is minutes behind: the SDK's own bounds begin at 0 and 5, which makes a p95 of 4.75.
    private static readonly InstrumentAdvice<double> Seconds = new()
    {
        HistogramBucketBoundaries = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300],
    };

    private readonly KeyValuePair<string, object?> _service;
    private readonly TimeProvider _time;
    private readonly Meter _meter;
    private readonly Counter<long> _events;
    private readonly Counter<long> _pulled;
    private readonly Counter<long> _replays;
    private readonly Histogram<double> _handle;
    private readonly Histogram<double> _lag;

    // Both are absent until they are known: a zero that only means "not counted yet" would make what was there before look new.
    private long _missing = Unknown;
    private (string Category, long Count)[] _deadLetters = [];

    public DeliveriesMetrics(DeliveriesOptions options, TimeProvider time, IMeterFactory meters)
    {
        _time = time;
        _service = new("service", options.Service);
        _meter = meters.Create("WhatsAppMesh.Deliveries");
        _events = _meter.CreateCounter<long>("mesh_consumer_events_total", description: "Events delivered or pulled, by what became of them.");
        _pulled = _meter.CreateCounter<long>("mesh_consumer_pulled_total", description: "Events that the transport did not bring and the lake gave.");
        _replays = _meter.CreateCounter<long>("mesh_replays_total", description: "Events replayed.");
        _handle = _meter.CreateHistogram("mesh_consumer_handle_seconds", "s", "Time from the account's lock to the commit of a batch.", advice: Seconds);
        _lag = _meter.CreateHistogram("mesh_consumer_lag_seconds", "s", "Time from an event's receipt by the lake to its commit here.", advice: Seconds);
        _meter.CreateObservableGauge("mesh_consumer_missing_events", ObserveMissing, description: "Events that a head seen a grace period ago covers and the account lacks.");
        _meter.CreateObservableGauge("mesh_dead_letters", ObserveDeadLetters, description: "Dead letters that wait for a decision.");
    }

    /// <inheritdoc/>
    public void Begin()
    {
        foreach (var result in PullResults)
            _pulled.Add(0, new TagList([_service, new("result", result)]));
        foreach (var result in ReplayResults)
            _replays.Add(0, new TagList([_service, new("result", result)]));
    }

    /// <summary>A timestamp for <see cref="Handled"/>.</summary>
    public long Now() => _time.GetTimestamp();

    /// <summary>A batch was committed.</summary>
    public void Handled(long started) => _handle.Record(_time.GetElapsedTime(started).TotalSeconds, _service);

    /// <summary>An event got its verdict.</summary>
    /// <param name="value">The event when its type is known here, else null: an open set of types would be an open set of time series.</param>
    public void Event(CollectedEvent? value, Verdict verdict)
    {
        var result = verdict switch
        {
            { IsPoison: true } => "poison",
            { Fate: Fate.Failed } => "retry",
            { Fate: Fate.Applied } => "applied",
            { Fate: Fate.Known } => "duplicate",
            _ => "ignored",
        };
        _events.Add(1, new TagList([_service, new("type", value?.Type ?? "other"), new("result", result)]));
        // An imported event was received years ago, and nobody waits for it.
        if (verdict.Fate == Fate.Applied && value is { Imported: false, ReceivedAt: { } receivedAt })
            _lag.Record(Math.Max(0, (_time.GetUtcNow() - receivedAt.ToDateTimeOffset()).TotalSeconds), _service);
    }

    /// <summary>The pull brought an event: "applied", "known", "dead" or "retry".</summary>
    public void Pulled(string result) => _pulled.Add(1, new TagList([_service, new("result", result)]));

    /// <summary>An event was replayed: "replayed", "failed" or "skipped".</summary>
    public void Replayed(string result) => _replays.Add(1, new TagList([_service, new("result", result)]));

    /// <summary>How many events are missing now.</summary>
    public void Missing(long count) => Volatile.Write(ref _missing, count);

    /// <summary>Another replica pulls and counts what is missing: what this one counted last is no news.</summary>
    public void PulledElsewhere() => Volatile.Write(ref _missing, Unknown);

    /// <summary>How many dead letters are open now.</summary>
    public void DeadLetters(long poison, long transient) => Volatile.Write(ref _deadLetters, [("poison", poison), ("transient", transient)]);

    public void Dispose() => _meter.Dispose();

    private IEnumerable<Measurement<long>> ObserveMissing() =>
        Volatile.Read(ref _missing) is var missing and not Unknown ? [new Measurement<long>(missing, _service)] : [];

    private IEnumerable<Measurement<long>> ObserveDeadLetters() =>
        Volatile.Read(ref _deadLetters).Select(open => new Measurement<long>(open.Count, _service, new KeyValuePair<string, object?>("category", open.Category)));
}
