using System.Globalization;
using WhatsAppMesh.DevSidecar.Hosting;

namespace WhatsAppMesh.DevSidecar.Components;

/// <summary>The part of a Configuration resource this sidecar honours.</summary>
/// <param name="SamplingRate">Share of new traces marked as sampled, 0..1; 0 switches tracing off. Default 0.0001.</param>
public sealed record TracingConfiguration(double SamplingRate)
{
    /// <summary>What holds without any Configuration.</summary>
    public static TracingConfiguration Default { get; } = new(0.0001);

    /// <summary>Reads a Configuration; what it does not say about tracing stays as it was before.</summary>
    internal static TracingConfiguration Read(ResourceDocument document, TracingConfiguration before, ICollection<string> warnings)
    {
        var root = document.Root.Ignore("apiVersion", "kind", "metadata", "scopes");
        var spec = root.Object("spec").Ignore("metric", "metrics", "logging", "features", "mtls", "accessControl");
        if (spec.Object("mtls").Flag("enabled") == true)
            throw new StartFailure($"{spec.Place}: mtls.enabled asks for mTLS, which the development sidecar does not have.");

        if (spec.Keys.FirstOrDefault(key => key is "metric" or "metrics" or "logging" or "features") is not null)
            warnings.Add($"{spec.Place}: metric, logging and features settings have no effect on the development sidecar.");

        var tracing = spec.Object("tracing").Ignore("stdout", "expandParams", "includeBody");
        if (tracing.Object("otel").Exists || tracing.Object("zipkin").Exists)
            warnings.Add($"{tracing.Place}: the development sidecar passes traces on but exports no spans of its own.");

        var text = tracing.Text("samplingRate");
        tracing.Done();
        spec.Done();
        root.Done();
        return text is null ? before
            : double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var rate) && rate is >= 0 and <= 1 ? new TracingConfiguration(rate)
            : throw new StartFailure($"{tracing.Place}: samplingRate must be a number from 0 to 1, not '{text}'.");
    }
}
