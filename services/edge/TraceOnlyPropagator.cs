using System.Diagnostics;

namespace WhatsAppMesh.Edge;

/// <summary>
/// Carries the trace to ingest and leaves out baggage, which is text of the client's choice that would travel through every service.
/// </summary>
internal sealed class TraceOnlyPropagator : DistributedContextPropagator
{
    private readonly DistributedContextPropagator _w3c = CreateW3CPropagator();

    public override IReadOnlyCollection<string> Fields { get; } = ["traceparent", "tracestate"];

    public override void Inject(Activity? activity, object? carrier, PropagatorSetterCallback? setter)
    {
        if (setter is null)
            return;
        _w3c.Inject(activity, carrier, (to, name, value) =>
        {
            if (Fields.Contains(name))
                setter(to, name, value);
        });
    }

    public override void ExtractTraceIdAndState(object? carrier, PropagatorGetterCallback? getter, out string? traceId, out string? traceState) =>
        _w3c.ExtractTraceIdAndState(carrier, getter, out traceId, out traceState);

    public override IEnumerable<KeyValuePair<string, string?>>? ExtractBaggage(object? carrier, PropagatorGetterCallback? getter) => null;
}
