using System.Diagnostics;
using Microsoft.Net.Http.Headers;

namespace WhatsAppMesh.Edge;

/// <summary>
/// Carries the trace to ingest and leaves out baggage, which is text of the client's choice that would travel through every service.
/// </summary>
internal sealed class TraceOnlyPropagator : DistributedContextPropagator
{
    private readonly DistributedContextPropagator _w3c = CreateW3CPropagator();

    /// <summary>Passes a client's trace on where this process has none of its own; with one, the HTTP client writes the headers itself.</summary>
    public static void Copy(IHeaderDictionary from, HttpRequestMessage to)
    {
        if (Activity.Current is not null || from.TraceParent.Count != 1)
            return;
        to.Headers.TryAddWithoutValidation(HeaderNames.TraceParent, from.TraceParent.ToString());
        if (from.TraceState.Count > 0)
            to.Headers.TryAddWithoutValidation(HeaderNames.TraceState, from.TraceState.ToString());
    }

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
