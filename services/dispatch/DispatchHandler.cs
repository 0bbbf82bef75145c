using System.Diagnostics;
using Npgsql;
using WhatsAppMesh.Deliveries;
using WhatsAppMesh.Dispatch.Automations;
using WhatsAppMesh.Dispatch.Events;
using WhatsAppMesh.Dispatch.Jobs;
using WhatsAppMesh.Dispatch.Leads;
using WhatsAppMesh.Events.V1;

namespace WhatsAppMesh.Dispatch;

/// <summary>
/// Turns events into the timelines of leads and into jobs, a batch at a time: three round trips however many events, leads and jobs.
/// </summary>
public sealed class DispatchHandler(DispatchMetrics metrics, DispatchOptions options, TimeProvider time) : IBatchHandler
{
    /// <inheritdoc/>
    public bool Handles(string type) => EventReaders.Reads(type);

    /// <inheritdoc/>
    public async Task ApplyAsync(IReadOnlyList<CollectedEvent> events, DeliveryContext context, NpgsqlTransaction transaction, CancellationToken cancellationToken)
    {
        var read = EventReaders.Read(events);
        var leads = new LeadTable();
        var now = time.GetUtcNow();
        var epoch = await LoadAsync(read, leads, transaction, now, cancellationToken);

        var plans = Plan(read, leads, epoch);
        List<Cause> causes = context.AllowSends
            ? [.. read.Causes.Where(cause => cause.StartedAt >= epoch && !cause.IsLate(options.ExpireAfter)), .. plans.Select(static one => CauseOf(one.Lead, one.Plan)).OfType<Cause>()]
            : [];
        var (automations, changed) = await LoadAsync(causes, plans, transaction, cancellationToken);
        var jobs = causes.SelectMany(cause => JobPlan.For(cause, automations)).ToList();

        var created = 0;
        var save = new RoundTrip(transaction);
        leads.Save(save, now);
        JobTable.Save(save, changed, now);
        JobTable.Create(save, jobs, job => context.TraceParentOf(job.Cause.Log, job.Cause.Position) ?? Activity.Current?.Id, now, count => created = count);
        await save.SendAsync(cancellationToken);
        metrics.Planned(created, changed.Count(static job => job.Status == "cancelled"));
    }

    // The first batch of an empty dispatch begins its time.
    private static async Task<DateTimeOffset> LoadAsync(CauseEvents read, LeadTable leads, NpgsqlTransaction transaction, DateTimeOffset now, CancellationToken cancellationToken)
    {
        var epoch = now;
        var load = new RoundTrip(transaction);
        load.Run("insert into dispatch_epoch (started_at) values ($1) on conflict do nothing", now);
        load.Read("select started_at from dispatch_epoch", row => epoch = row.Time(0));
        leads.Load(load, [.. read.StageChanges.Select(static change => change.Lead).Distinct()]);
        await load.SendAsync(cancellationToken);
        return epoch;
    }

    private static List<(Lead Lead, LeadPlan Plan)> Plan(CauseEvents read, LeadTable leads, DateTimeOffset epoch)
    {
        foreach (var change in read.StageChanges)
            leads[change.Lead].Add(change.Event, change.Facts);
        var plans = new List<(Lead, LeadPlan)>();
        foreach (var lead in leads.Leads)
        {
            var plan = LeadPlan.For(lead.Events, epoch);
            lead.Decide(plan);
            plans.Add((lead, plan));
        }

        return plans;
    }

    private static Cause? CauseOf(Lead lead, LeadPlan plan) => plan is not { Decided: { } first, StartedAt: { } startedAt }
        ? null
        : new Cause(
            lead.Key.Tenant, TriggerKind.StageChanged, plan.StageId, lead.Key.LeadId, first.Occurrence, new Subject(Lead: lead.Key.LeadId), startedAt, first.Log, first.Position);

    /// <summary>The automations that wait for the causes, and what the plans change about the jobs there are.</summary>
    private static async Task<(List<Automation> Automations, List<StageJob> Changed)> LoadAsync(
        List<Cause> causes, List<(Lead Lead, LeadPlan Plan)> plans, NpgsqlTransaction transaction, CancellationToken cancellationToken)
    {
        var (automations, enabled, jobs) = (new List<Automation>(), new HashSet<Guid>(), new List<(LeadKey Lead, StageJob Job)>());
        var trip = new RoundTrip(transaction);
        if (causes.Count > 0)
            AutomationRows.Load(trip, [.. causes.Select(static cause => (cause.Tenant, cause.TriggerKind, cause.TriggerValue)).Distinct()], automations);
        JobTable.Load(trip, [.. plans.Select(static one => (one.Lead.Key, one.Plan))], enabled, jobs);
        await trip.SendAsync(cancellationToken);
        var jobsOf = jobs.ToLookup(static one => one.Lead, static one => one.Job);
        var changed = new List<StageJob>();
        foreach (var (lead, plan) in plans)
        {
            var (changes, areTakenOver) = StageJobs.Changes(plan, [.. jobsOf[lead.Key]], enabled);
            changed.AddRange(changes);
            if (areTakenOver)
                lead.TakeOver(plan);
        }

        return (automations, changed);
    }
}
