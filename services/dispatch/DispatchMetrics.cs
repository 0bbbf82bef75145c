using System.Diagnostics.Metrics;
using WhatsAppMesh.Dispatch.Sending;
using WhatsAppMesh.Hosting;

namespace WhatsAppMesh.Dispatch;

/// <summary>What dispatch counts of its jobs. No label holds a phone number, a JID or a message.</summary>
public sealed class DispatchMetrics : IStartsAtZero, IDisposable
{
    private readonly Meter _meter;
    private readonly Counter<long> _created;
    private readonly Counter<long> _cancelled;
    private readonly Counter<long> _expired;
    private readonly Counter<long> _watermarks;

    /// <param name="meters">Where meters come from.</param>
    public DispatchMetrics(IMeterFactory meters)
    {
        _meter = meters.Create("WhatsAppMesh.Dispatch");
        _created = _meter.CreateCounter<long>("mesh_jobs_created_total", description: "Jobs made from events.");
        _cancelled = _meter.CreateCounter<long>("mesh_jobs_cancelled_total", description: "Jobs cancelled before they were sent.");
        _expired = _meter.CreateCounter<long>("mesh_jobs_expired_total", description: "Jobs that could not start in time and were never sent.");
        _watermarks = _meter.CreateCounter<long>("mesh_send_watermark_hits_total", description: "Days on which an instance sent more than the watermark.");
    }

    /// <inheritdoc/>
    public void Begin()
    {
        foreach (var counter in (ReadOnlySpan<Counter<long>>)[_created, _cancelled, _expired])
            counter.Add(0);
    }

    /// <summary>A batch of events made and cancelled jobs (it may still be rolled back and come again).</summary>
    public void Planned(long created, long cancelled)
    {
        _created.Add(created);
        _cancelled.Add(cancelled);
    }

    /// <summary>Jobs expired.</summary>
    public void Expired(long count) => _expired.Add(count);

    /// <summary>An instance has sent more than the watermark today.</summary>
    public void WatermarkHit(string instance) => _watermarks.Add(1, new KeyValuePair<string, object?>("instance", InstanceLabel.Of(instance)));

    /// <inheritdoc/>
    public void Dispose() => _meter.Dispose();
}
