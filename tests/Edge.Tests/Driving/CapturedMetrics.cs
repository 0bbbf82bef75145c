using System.Collections.Concurrent;
using System.Diagnostics.Metrics;

namespace WhatsAppMesh.Edge.Tests.Driving;

/// <summary>The metrics of one edge: /metrics would show those of every test that runs in this process.</summary>
public sealed class CapturedMetrics : IDisposable
{
    private readonly MeterListener _listener = new();
    private readonly ConcurrentDictionary<string, double> _sums = new();
    private readonly ConcurrentDictionary<string, double> _gauges = new();

    public CapturedMetrics(IMeterFactory meters)
    {
        _listener.InstrumentPublished = (instrument, listener) =>
        {
            if (instrument.Meter.Scope == meters && instrument.Meter.Name == "WhatsAppMesh.Edge")
                listener.EnableMeasurementEvents(instrument);
        };
        _listener.SetMeasurementEventCallback<long>((instrument, value, tags, _) => Take(instrument, value, tags));
        _listener.SetMeasurementEventCallback<int>((instrument, value, tags, _) => Take(instrument, value, tags));
        _listener.SetMeasurementEventCallback<double>((instrument, _, tags, _) => Take(instrument, 1, tags));
        _listener.Start();
    }

    /// <summary>How many requests were counted with these labels.</summary>
    public int Requests(string source, string outcome, string reason) =>
        (int)_sums.GetValueOrDefault($"mesh_edge_requests_total source={source} outcome={outcome} reason={reason}");

    /// <summary>How many requests were timed.</summary>
    public int Timed => (int)_sums.GetValueOrDefault("mesh_edge_request_seconds");

    /// <summary>True when some request was counted with this reason.</summary>
    public bool HasReason(string reason) => _sums.Keys.Any(key => key.EndsWith($" reason={reason}", StringComparison.Ordinal));

    /// <summary>A gauge's value now.</summary>
    public double Gauge(string name)
    {
        _listener.RecordObservableInstruments();
        return _gauges[name];
    }

    public void Dispose() => _listener.Dispose();

    private void Take(Instrument instrument, double value, ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        if (instrument.IsObservable)
        {
            _gauges[instrument.Name] = value;
            return;
        }

        var key = instrument.Name;
        foreach (var (name, label) in tags)
            key += $" {name}={label}";
        _sums.AddOrUpdate(key, value, (_, sum) => sum + value);
    }
}
