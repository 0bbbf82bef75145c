using System.Diagnostics;
using System.Globalization;
using WhatsAppMesh.DevSidecar.Components;

namespace WhatsAppMesh.DevSidecar.PubSub.Envelopes;

/// <summary>A span of a trace as W3C headers write it.</summary>
/// <param name="TraceParent">00-trace-span-flags; empty when tracing is off.</param>
/// <param name="TraceState">Vendor data that goes along; empty when there is none.</param>
internal readonly record struct TraceContext(string TraceParent, string TraceState)
{
    /// <summary>Tracing is off.</summary>
    public static TraceContext Off { get; } = new("", "");

    /// <summary>A new span: of the caller's trace when it sent one, else of a new trace.</summary>
    public static TraceContext Begin(string? callerParent, string? callerState, TracingConfiguration tracing)
    {
        if (tracing.SamplingRate <= 0)
            return Off;

        if (callerParent is not null && ActivityContext.TryParse(callerParent, null, out var caller))
            return new TraceContext(Format(caller.TraceId, caller.TraceFlags), callerState ?? "");

        var flags = Random.Shared.NextDouble() < tracing.SamplingRate ? ActivityTraceFlags.Recorded : ActivityTraceFlags.None;
        return new TraceContext(Format(ActivityTraceId.CreateRandom(), flags), "");
    }

    /// <summary>Another span of the same trace.</summary>
    public TraceContext Child() =>
        TraceParent.Length > 0 && ActivityContext.TryParse(TraceParent, null, out var self) ? this with { TraceParent = Format(self.TraceId, self.TraceFlags) } : this;

    /// <summary>A new span of the trace an event carries; null when it carries none.</summary>
    public static string? ChildOf(string? parent) =>
        parent is { Length: > 0 } && ActivityContext.TryParse(parent, null, out var context) ? Format(context.TraceId, context.TraceFlags) : null;

    private static string Format(ActivityTraceId trace, ActivityTraceFlags flags) =>
        string.Create(CultureInfo.InvariantCulture, $"00-{trace.ToHexString()}-{ActivitySpanId.CreateRandom().ToHexString()}-{(int)flags:x2}");
}
