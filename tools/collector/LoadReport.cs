using System.Net;

namespace WhatsAppMesh.Collector;

/// <summary>What became of a load.</summary>
/// <param name="Accepted">Events answered with 2xx.</param>
/// <param name="Refused">Events answered with anything else, after all tries.</param>
/// <param name="Retries">Tries beyond the first.</param>
/// <param name="Elapsed">Time from the first request to the last answer.</param>
/// <param name="Latencies">Time to the accepting answer, all tries together, ascending.</param>
/// <param name="Statuses">How often each status was answered; 0 = no answer.</param>
public sealed record LoadReport(
    long Accepted, long Refused, long Retries, TimeSpan Elapsed, IReadOnlyList<TimeSpan> Latencies, IReadOnlyDictionary<int, long> Statuses)
{
    /// <summary>Accepted events per second.</summary>
    public double Rate => Accepted / Math.Max(Elapsed.TotalSeconds, 0.001);

    /// <summary>The latency that this share (0..1) of the accepted events did not exceed; zero when there is none.</summary>
    public TimeSpan Percentile(double share) =>
        Latencies.Count == 0 ? TimeSpan.Zero : Latencies[Math.Clamp((int)Math.Ceiling(Latencies.Count * share) - 1, 0, Latencies.Count - 1)];

    internal static LoadReport Combine(IReadOnlyCollection<LoadTally> tallies, TimeSpan elapsed)
    {
        var latencies = tallies.SelectMany(t => t.Latencies).ToArray();
        Array.Sort(latencies);
        var statuses = tallies.SelectMany(t => t.Statuses).GroupBy(s => s.Key).ToDictionary(g => g.Key, g => g.Sum(s => s.Value));
        return new LoadReport(latencies.Length, tallies.Sum(t => t.Refused), tallies.Sum(t => t.Retries), elapsed, latencies, statuses);
    }
}

/// <summary>One worker's count; no two threads share one.</summary>
internal sealed class LoadTally
{
    public List<TimeSpan> Latencies { get; } = [];

    public Dictionary<int, long> Statuses { get; } = [];

    public long Refused { get; private set; }

    public long Retries { get; private set; }

    /// <summary>Counts an answer. False: the event is to be tried again.</summary>
    public bool Add(HttpStatusCode status, TimeSpan taken, bool retry)
    {
        Statuses[(int)status] = Statuses.GetValueOrDefault((int)status) + 1;
        if ((int)status is >= 200 and < 300)
        {
            Latencies.Add(taken);
            return true;
        }
        if (retry && status is not (HttpStatusCode.BadRequest or HttpStatusCode.UnprocessableEntity))
        {
            Retries++;
            return false;
        }
        Refused++;
        return true;
    }
}
