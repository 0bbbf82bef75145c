using WhatsAppMesh.Dispatch.Jobs;
using WhatsAppMesh.Dispatch.Leads;

namespace WhatsAppMesh.Dispatch.Tests;

/// <summary>What a lead's moves and corrections do to the jobs there are.</summary>
public sealed class StageJobsTests
{
    private static readonly Guid Automation = Guid.NewGuid();

    [Fact]
    public void Leaving_a_stage_cancels_what_waits_and_asks_what_is_being_sent_to_stop() =>
        Assert.Equal(["leaving:processing, to stop", "left:cancelled"], Changes(Plan("now"), Job("left", "pending"), Job("leaving", "processing"), Job("now", "pending")));

    [Fact]
    public void A_correction_leaves_alone_what_is_being_sent_under_another_telling_of_the_stay() =>
        Assert.Empty(Changes(Plan("first", "third"), Left("first"), Job("third", "processing", attempts: 1)));

    [Fact]
    public void A_correction_keeps_what_was_tried_under_another_telling_and_waits_for_its_next_try() =>
        Assert.Empty(Changes(Plan("first", "third"), Left("first"), Job("third", "pending", attempts: 1)));

    [Fact]
    public void A_correction_brings_back_one_job_for_each_step() =>
        Assert.Equal(["first:pending", "third:cancelled"], Changes(Plan("first", "third"), Left("first"), Job("third", "pending")));

    [Theory]
    [InlineData("sent")]
    [InlineData("failed")]
    [InlineData("in_doubt")]
    public void What_has_had_its_end_under_another_telling_does_not_come_back(string status) =>
        Assert.Empty(Changes(Plan("first", "third"), Left("first"), Job("third", status, attempts: 1)));

    [Fact]
    public void Nothing_comes_back_for_an_automation_that_is_off() =>
        Assert.Empty(StageJobs.Changes(Plan("first"), [Left("first")], new HashSet<Guid>()).Changed);

    [Fact]
    public void A_replay_that_was_called_off_comes_back_in_place_of_its_original() =>
        Assert.Equal(["first:pending"], Changes(Plan("first"), Job("first", "replayed", attempts: 1), Left("first") with { IsReplay = true }));

    [Fact]
    public void Untouched_jobs_take_the_name_of_the_stay_and_with_it_their_key()
    {
        var job = Job("later", "pending");
        var (changed, areTakenOver) = StageJobs.Changes(Plan("earlier", "later"), [job], new HashSet<Guid> { Automation });
        Assert.True(areTakenOver);
        Assert.Equal(Job("earlier", "pending").Key, Assert.Single(changed).Key);
    }

    [Fact]
    public void Jobs_that_may_be_known_by_their_key_keep_it_all_of_them()
    {
        foreach (var touched in (StageJob[])[Job("later", "sent", attempts: 1), Job("later", "pending") with { IsReserved = true }, Job("later", "pending", attempts: 1)])
        {
            var (changed, areTakenOver) = StageJobs.Changes(Plan("earlier", "later"), [touched, Job("later", "pending", "second")], new HashSet<Guid>());
            Assert.False(areTakenOver);
            Assert.Empty(changed);
        }
    }

    private static LeadPlan Plan(string keep, params string[] others) => new("A", keep, others, null, null);

    private static StageJob Left(string occurrence) => Job(occurrence, "cancelled") with { LeftStage = true };

    private static StageJob Job(string occurrence, string status, string step = "first", int attempts = 0) => new(
        Guid.NewGuid(), JobKey.Of("acme", "42", "A", Automation, step, occurrence), Automation, step, occurrence, status, attempts, false, false, false, false);

    private static IEnumerable<string> Changes(LeadPlan plan, params StageJob[] jobs) => StageJobs.Changes(plan, jobs, new HashSet<Guid> { Automation }).Changed
        .Select(static job => $"{job.Occurrence}:{job.Status}{(job.CancelRequested ? ", to stop" : "")}").Order(StringComparer.Ordinal);
}
