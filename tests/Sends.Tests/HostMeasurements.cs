using System.Collections.Concurrent;
using System.Diagnostics.Metrics;

namespace WhatsAppMesh.Sends.Tests;

/// <summary>What one host of this process has counted since: the page at /metrics shows all hosts of the process, and remembers one of them.</summary>
internal sealed class HostMeasurements : IDisposable
{
    private readonly MeterListener _listener = new();
    private readonly ConcurrentDictionary<string, long> _counted = new();
    private readonly ConcurrentDictionary<string, int> _gauges = new();

    public HostMeasurements(RunningDispatch dispatch)
    {
        var meters = dispatch.Services.GetRequiredService<IMeterFactory>();
        _listener.InstrumentPublished = (instrument, listener) =>
        {
            if (ReferenceEquals(instrument.Meter.Scope, meters))
                listener.EnableMeasurementEvents(instrument);
        };
        _listener.SetMeasurementEventCallback<long>((instrument, value, tags, _) => _counted.AddOrUpdate(Name(instrument, tags), value, (_, before) => before + value));
        _listener.SetMeasurementEventCallback<int>((instrument, value, tags, _) => _gauges[Name(instrument, tags)] = value);
        _listener.Start();
    }

    /// <summary>How often something was counted, whose name with its labels in order contains all of this.</summary>
    public long Counted(params string[] parts) =>
        _counted.Where(pair => parts.All(part => pair.Key.Contains(part, StringComparison.Ordinal))).Sum(static pair => pair.Value);

    /// <summary>A gauge now, by its name with its labels in order; null when there is none.</summary>
    public int? Gauge(string name)
    {
        _gauges.Clear();
        _listener.RecordObservableInstruments();
        return _gauges.TryGetValue(name, out var value) ? value : null;
    }

    public void Dispose() => _listener.Dispose();

    private static string Name(Instrument instrument, ReadOnlySpan<KeyValuePair<string, object?>> tags) =>
        $"{instrument.Name}{{{string.Join(',', tags.ToArray().OrderBy(static tag => tag.Key, StringComparer.Ordinal).Select(static tag => $"{tag.Key}=\"{tag.Value}\""))}}}";
}
