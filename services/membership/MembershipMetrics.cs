using System.Diagnostics.Metrics;
using WhatsAppMesh.Hosting;
using WhatsAppMesh.Membership.Events;
using WhatsAppMesh.Membership.Store;

namespace WhatsAppMesh.Membership;

/// <summary>What the membership service counts. No label names a person or a group.</summary>
public sealed class MembershipMetrics : IStartsAtZero, IDisposable
{
    private readonly Meter _meter;
    private readonly Counter<long> _facts;
    private readonly Counter<long> _folds;
    private readonly Counter<long> _skipped;
    private readonly Counter<long> _joins;
    private readonly Counter<long> _silent;

    /// <param name="meters">Where meters come from.</param>
    public MembershipMetrics(IMeterFactory meters)
    {
        _meter = meters.Create("WhatsAppMesh.Membership");
        _facts = _meter.CreateCounter<long>("mesh_membership_facts_total", description: "Facts about rosters taken from events.");
        _folds = _meter.CreateCounter<long>("mesh_membership_folds_total", description: "Groups brought up to date, by mode: unchanged, advance or refold.");
        _skipped = _meter.CreateCounter<long>("mesh_membership_rows_skipped_total", description: "Malformed rows of events that were left out.");
        _silent = _meter.CreateCounter<long>("mesh_membership_silent_events_total", description: "Things that events say and nothing holds, by type and reason.");
        _joins = _meter.CreateCounter<long>("mesh_member_joins_total", description: "Joins, by result: found or sent.");
    }

    /// <inheritdoc/>
    public void Begin()
    {
        _facts.Add(0);
        _skipped.Add(0);
        foreach (var mode in (ReadOnlySpan<string>)["advance", "refold", "unchanged"])
            _folds.Add(0, new KeyValuePair<string, object?>("mode", mode));
        foreach (var result in (ReadOnlySpan<string>)["found", "sent"])
            _joins.Add(0, new KeyValuePair<string, object?>("result", result));
    }

    /// <summary>A batch was applied (it may still be rolled back and come again).</summary>
    internal void Applied(BatchOutcome outcome, Observations seen)
    {
        _facts.Add(outcome.Facts);
        _folds.Add(outcome.Advanced, new KeyValuePair<string, object?>("mode", "advance"));
        _folds.Add(outcome.Refolded, new KeyValuePair<string, object?>("mode", "refold"));
        _folds.Add(outcome.Unchanged, new KeyValuePair<string, object?>("mode", "unchanged"));
        _skipped.Add(seen.Skipped);
        foreach (var (silence, count) in seen.Silences)
        {
            var type = EventReaders.Reads(silence.Type) ? silence.Type : "other";
            _silent.Add(count, new KeyValuePair<string, object?>("type", type), new KeyValuePair<string, object?>("reason", silence.Label));
        }
        _joins.Add(outcome.Joins, new KeyValuePair<string, object?>("result", "found"));
    }

    /// <summary>Joins were handed to the lake.</summary>
    public void JoinsSent(int count) => _joins.Add(count, new KeyValuePair<string, object?>("result", "sent"));

    /// <inheritdoc/>
    public void Dispose() => _meter.Dispose();
}
