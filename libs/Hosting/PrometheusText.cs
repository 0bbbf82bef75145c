using System.Globalization;
using System.Text;
using OpenTelemetry;
using OpenTelemetry.Metrics;

namespace WhatsAppMesh.Hosting;

/// <summary>Prometheus' text exposition format, version 0.0.4, of OpenTelemetry metrics.</summary>
/// <remarks>
/// Names follow OpenTelemetry's compatibility rules: other characters become "_", the unit is spelled out as a suffix, a monotonic sum
/// ends in "_total". The meters that count are the official SDK's; no exporter package for Prometheus can be had from the feed.
/// </remarks>
internal static class PrometheusText
{
    private static readonly Dictionary<string, string> Units = new()
    {
        ["s"] = "seconds",
        ["ms"] = "milliseconds",
        ["By"] = "bytes",
        ["1"] = "",
    };

    public static void Append(StringBuilder text, Metric metric)
    {
        var name = Name(metric);
        if (metric.Description is { Length: > 0 } description)
            text.Append("# HELP ").Append(name).Append(' ').Append(description.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\n", "\\n", StringComparison.Ordinal)).Append('\n');
        text.Append("# TYPE ").Append(name).Append(' ').Append(Type(metric.MetricType)).Append('\n');

        foreach (ref readonly var point in metric.GetMetricPoints())
        {
            switch (metric.MetricType)
            {
                case MetricType.LongSum or MetricType.LongSumNonMonotonic:
                    AppendSample(text, name, "", point.Tags, point.GetSumLong());
                    break;
                case MetricType.DoubleSum or MetricType.DoubleSumNonMonotonic:
                    AppendSample(text, name, "", point.Tags, point.GetSumDouble());
                    break;
                case MetricType.LongGauge:
                    AppendSample(text, name, "", point.Tags, point.GetGaugeLastValueLong());
                    break;
                case MetricType.DoubleGauge:
                    AppendSample(text, name, "", point.Tags, point.GetGaugeLastValueDouble());
                    break;
                default:
                    AppendHistogram(text, name, point);
                    break;
            }
        }
    }

    private static void AppendHistogram(StringBuilder text, string name, in MetricPoint point)
    {
        var cumulative = 0L;
        foreach (var bucket in point.GetHistogramBuckets())
        {
            cumulative += bucket.BucketCount;
            AppendSample(text, name, "_bucket", point.Tags, cumulative, bucket.ExplicitBound);
        }

        AppendSample(text, name, "_sum", point.Tags, point.GetHistogramSum());
        AppendSample(text, name, "_count", point.Tags, point.GetHistogramCount());
    }

    private static void AppendSample(StringBuilder text, string name, string suffix, ReadOnlyTagCollection tags, double value, double? upperBound = null)
    {
        text.Append(name).Append(suffix);
        var separator = '{';
        foreach (var (key, tag) in tags)
        {
            text.Append(separator).Append(Clean(key)).Append("=\"");
            AppendEscaped(text, Convert.ToString(tag, CultureInfo.InvariantCulture) ?? "");
            text.Append('"');
            separator = ',';
        }

        if (upperBound is { } bound)
        {
            text.Append(separator).Append("le=\"").Append(Number(bound)).Append('"');
            separator = ',';
        }

        if (separator == ',')
            text.Append('}');
        text.Append(' ').Append(Number(value)).Append('\n');
    }

    private static string Name(Metric metric)
    {
        var name = Clean(metric.Name);
        var unit = Units.TryGetValue(metric.Unit, out var known) ? known : Clean(metric.Unit.StartsWith('{') ? "" : metric.Unit);
        var isTotal = metric.MetricType is MetricType.LongSum or MetricType.DoubleSum;
        if (isTotal && name.EndsWith("_total", StringComparison.Ordinal))
            name = name[..^"_total".Length];
        if (unit.Length > 0 && !name.EndsWith("_" + unit, StringComparison.Ordinal))
            name = $"{name}_{unit}";
        return isTotal ? name + "_total" : name;
    }

    private static string Type(MetricType type) => type switch
    {
        MetricType.LongSum or MetricType.DoubleSum => "counter",
        MetricType.Histogram or MetricType.ExponentialHistogram => "histogram",
        _ => "gauge",
    };

    private static string Clean(string name) =>
        string.Create(name.Length, name, static (span, source) =>
        {
            for (var i = 0; i < span.Length; i++)
                span[i] = char.IsAsciiLetterOrDigit(source[i]) || source[i] == ':' ? source[i] : '_';
        });

    private static void AppendEscaped(StringBuilder text, string value)
    {
        foreach (var c in value)
        {
            _ = c switch
            {
                '\\' => text.Append("\\\\"),
                '"' => text.Append("\\\""),
                '\n' => text.Append("\\n"),
                _ => text.Append(c),
            };
        }
    }

    private static string Number(double value) =>
        double.IsPositiveInfinity(value) ? "+Inf" : value.ToString("R", CultureInfo.InvariantCulture);
}
