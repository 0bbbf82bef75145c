using System.Diagnostics.Metrics;

namespace WhatsAppMesh.Hosting;

/// <summary>
/// The memory of a service beside what it may have, in bytes. A service ends by either of two limits, and each is told by itself: the
/// kernel ends a container that needs more than its own (<c>process</c>), and .NET, which takes three quarters of that for its heap, answers
/// with OutOfMemoryException when the heap is full (<c>heap</c>).
/// </summary>
internal sealed class MemoryMetrics : IDisposable
{
    private readonly Meter _meter;
    private readonly KeyValuePair<string, object?> _service;
    private readonly ContainerMemory _container;

    /// <param name="meters">Where meters come from.</param>
    /// <param name="service">The service's name.</param>
    /// <param name="container">What the container may have.</param>
    public MemoryMetrics(IMeterFactory meters, string service, ContainerMemory container)
    {
        (_service, _container) = (new("service", service), container);
        _meter = meters.Create("WhatsAppMesh.Hosting");
        _meter.CreateObservableGauge(
            "mesh_memory_bytes",
            Used,
            description: "Memory in use, by kind: process (the container's, or this process's where nothing limits it) or heap (.NET's).");
        _meter.CreateObservableGauge(
            "mesh_memory_limit_bytes", Limits, description: "Most of it there may be, by kind; absent where there is no limit.");
    }

    /// <inheritdoc/>
    public void Dispose() => _meter.Dispose();

    private IEnumerable<Measurement<long>> Used() =>
    [
        Of(_container.Read()?.Used ?? Environment.WorkingSet, "process"),
        Of(GC.GetGCMemoryInfo(GCKind.Any).HeapSizeBytes, "heap"),
    ];

    private IEnumerable<Measurement<long>> Limits()
    {
        if (_container.Read() is { } container)
            yield return Of(container.Limit, "process");
        if (GC.GetGCMemoryInfo(GCKind.Any).TotalAvailableMemoryBytes is > 0 and var heap)
            yield return Of(heap, "heap");
    }

    private Measurement<long> Of(long bytes, string kind) => new(bytes, _service, new KeyValuePair<string, object?>("kind", kind));
}
