using WhatsAppMesh.Dispatch.Leads;

namespace WhatsAppMesh.Dispatch.Jobs;

/// <summary>A job that a stay in a stage made, as far as the lead's moves concern it.</summary>
/// <param name="LeftStage">Cancelled, or asked to stop, because the lead left the stage; and it still has its message.</param>
/// <param name="IsReserved">A replica has looked at it: it may be on its way under its key.</param>
/// <param name="IsReplay">It took over from another job, whose key it carries on.</param>
internal sealed record StageJob(
    Guid Id, string Key, Guid AutomationId, string StepId, string Occurrence, string Status, int Attempts, bool LeftStage, bool CancelRequested, bool IsReserved,
    bool IsReplay);

/// <summary>Decides what a lead's moves and corrections do to the jobs there are.</summary>
internal static class StageJobs
{
    /// <summary>
    /// The jobs that change, as they are to be. Of the stay that the lead is in, one job for each step of each automation lives, whichever
    /// telling it was made under: one that was tried rather than one that was not, and one that was called off comes back when a
    /// correction shows that the stay never ended. What belongs to any other stay is called off.
    /// </summary>
    /// <param name="jobs">The jobs of the stay, and whatever else of the lead waits or is being sent.</param>
    /// <param name="enabled">The automations that are on: jobs of others do not come back.</param>
    /// <returns>The changes; and whether the jobs go by the stay's own occurrence now, so that no other event of it counts as used.</returns>
    public static (IReadOnlyList<StageJob> Changed, bool AreTakenOver) Changes(LeadPlan plan, IReadOnlyCollection<StageJob> jobs, IReadOnlySet<Guid> enabled)
    {
        var ours = jobs.Where(job => job.Occurrence == plan.Keep || plan.Others.Contains(job.Occurrence)).ToList();
        var after = jobs.Except(ours).Select(Leave).ToList();
        var takesOver = CanTakeOver(ours, plan.Keep);
        if (takesOver)
            ours = ours.ConvertAll(job => job with { Occurrence = plan.Keep, Key = JobKey.Under(job.Key, job.Occurrence, plan.Keep) });
        foreach (var step in ours.GroupBy(static job => (job.AutomationId, job.StepId)))
        {
            var kept = step.OrderBy(job => Rank(job, enabled)).ThenByDescending(static job => job.Attempts > 0)
                .ThenByDescending(job => job.Occurrence == plan.Keep).ThenBy(static job => job.Id).First();
            after.Add(ComeBack(kept, enabled));
            // What is being sent under another telling may well succeed: only what waits is too much.
            after.AddRange(step.Where(job => job != kept).Select(static job => job.Status == "pending" ? Leave(job) : job));
        }

        return ([.. after.Except(jobs)], takesOver);
    }

    // Untouched so far, they take the keys that they would have had in the order of the log: claims of an earlier life are found under those.
    private static bool CanTakeOver(List<StageJob> ours, string keep) =>
        ours.Count > 0 && ours[0].Occurrence != keep && ours.All(job => job.Occurrence == ours[0].Occurrence
            && job is { Status: "pending" or "cancelled" or "expired", Attempts: 0, IsReserved: false, IsReplay: false });

    // What is being sent, or has had its end, needs no other; what waits or could come back is as good as its name; the rest is over.
    private static int Rank(StageJob job, IReadOnlySet<Guid> enabled) => job switch
    {
        { Status: "pending" } => 1,
        { Status: "cancelled", LeftStage: true } when enabled.Contains(job.AutomationId) => 1,
        { Status: "cancelled" or "expired" or "replayed" } => 2,
        _ => 0,
    };

    private static StageJob Leave(StageJob job) => job switch
    {
        { Status: "pending" } => job with { Status = "cancelled", LeftStage = true, CancelRequested = false },
        { Status: "processing", CancelRequested: false } => job with { LeftStage = true, CancelRequested = true },
        _ => job,
    };

    private static StageJob ComeBack(StageJob job, IReadOnlySet<Guid> enabled) => job is { LeftStage: true, Status: "cancelled" or "processing" } && enabled.Contains(job.AutomationId)
        ? job with { Status = job.Status == "cancelled" ? "pending" : job.Status, LeftStage = false, CancelRequested = false }
        : job;
}
