using System.Globalization;
using System.Text.RegularExpressions;

namespace WhatsAppMesh.DevSidecar.Resiliency;

/// <summary>What a circuit breaker has counted.</summary>
/// <param name="Requests">Calls let through.</param>
/// <param name="TotalSuccesses">Calls that succeeded.</param>
/// <param name="TotalFailures">Calls that failed.</param>
/// <param name="ConsecutiveSuccesses">Successes since the last failure.</param>
/// <param name="ConsecutiveFailures">Failures since the last success.</param>
public readonly record struct BreakerCounts(long Requests, long TotalSuccesses, long TotalFailures, long ConsecutiveSuccesses, long ConsecutiveFailures)
{
    internal BreakerCounts WithRequest() => this with { Requests = Requests + 1 };

    internal BreakerCounts WithSuccess() =>
        this with { TotalSuccesses = TotalSuccesses + 1, ConsecutiveSuccesses = ConsecutiveSuccesses + 1, ConsecutiveFailures = 0 };

    internal BreakerCounts WithFailure() =>
        this with { TotalFailures = TotalFailures + 1, ConsecutiveFailures = ConsecutiveFailures + 1, ConsecutiveSuccesses = 0 };
}

/// <summary>When a breaker opens: comparisons of counts with numbers, joined by &amp;&amp;.</summary>
public sealed partial class TripRule
{
    private readonly List<Func<BreakerCounts, bool>> _all = [];

    /// <summary>What Dapr does without a rule: more than five failures in a row.</summary>
    public static TripRule Default { get; } = Parse("consecutiveFailures > 5")!;

    /// <summary>Parses a rule; null when it uses more of CEL than comparisons joined by &amp;&amp;.</summary>
    public static TripRule? Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        var rule = new TripRule();
        foreach (var part in text.Split("&&"))
        {
            var match = Comparison().Match(part);
            if (!match.Success)
                return null;

            var count = Count(match.Groups["name"].Value);
            var compare = Compare(match.Groups["operator"].Value);
            var number = long.Parse(match.Groups["number"].ValueSpan, NumberStyles.None, CultureInfo.InvariantCulture);
            rule._all.Add(counts => compare(count(counts), number));
        }

        return rule;
    }

    /// <summary>Whether the breaker opens at these counts.</summary>
    public bool Trips(BreakerCounts counts) => _all.TrueForAll(condition => condition(counts));

    private static Func<BreakerCounts, long> Count(string name) => name switch
    {
        "requests" => counts => counts.Requests,
        "totalSuccesses" => counts => counts.TotalSuccesses,
        "totalFailures" => counts => counts.TotalFailures,
        "consecutiveSuccesses" => counts => counts.ConsecutiveSuccesses,
        _ => counts => counts.ConsecutiveFailures,
    };

    private static Func<long, long, bool> Compare(string comparison) => comparison switch
    {
        ">" => (left, right) => left > right,
        ">=" => (left, right) => left >= right,
        "<" => (left, right) => left < right,
        "<=" => (left, right) => left <= right,
        _ => (left, right) => left == right,
    };

    [GeneratedRegex(@"^\s*(?<name>requests|totalSuccesses|totalFailures|consecutiveSuccesses|consecutiveFailures)\s*(?<operator>>=|<=|==|>|<)\s*(?<number>\d{1,18})\s*$")]
    private static partial Regex Comparison();
}
