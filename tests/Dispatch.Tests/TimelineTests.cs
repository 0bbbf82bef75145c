using WhatsAppMesh.Dispatch.Leads;

namespace WhatsAppMesh.Dispatch.Tests;

/// <summary>The fold of a lead's stage changes, and what follows from it.</summary>
public sealed class TimelineTests
{
    private static readonly DateTimeOffset Epoch = new(2026, 11, 21, 0, 0, 0, TimeSpan.Zero);

    [Fact]
    public void Moving_to_the_stage_it_is_in_prolongs_the_stay() =>
        Assert.Equal(["A:2", "B:1", "A:1"], Timeline.Fold([At("A", 1), At("A", 2), At("B", 3), At("A", 4)]).Select(static stay => $"{stay.StageId}:{stay.Events.Count}"));

    [Fact]
    public void Order_of_arrival_is_no_order() =>
        Assert.Equal(["A", "B", "A"], Timeline.Fold([At("A", 3), At("A", 1), At("B", 2)]).Select(static stay => stay.StageId));

    [Fact]
    public void First_sight_of_a_stay_is_decided_under_its_first_event()
    {
        var first = At("A", 1);
        var plan = LeadPlan.For([At("A", 2), first], Epoch);
        Assert.Equal((first, first.Occurrence, first.ReceivedAt), (plan.Decided!, plan.Keep, plan.StartedAt!.Value));
    }

    [Fact]
    public void A_late_first_event_changes_nothing()
    {
        var used = At("A", 2) with { Used = true };
        var plan = LeadPlan.For([used, At("A", 1)], Epoch);
        Assert.Null(plan.Decided);
        Assert.Equal(used.Occurrence, plan.Keep);
    }

    [Fact]
    public void A_late_other_stage_between_starts_the_second_stay_when_both_are_known()
    {
        var (first, third) = (At("A", 1) with { Used = true }, At("A", 3));
        var late = At("B", 2) with { ReceivedAt = Epoch.AddHours(9) };
        var plan = LeadPlan.For([first, third, late], Epoch);
        Assert.Equal((third, late.ReceivedAt), (plan.Decided!, plan.StartedAt!.Value));
    }

    [Fact]
    public void Imported_and_old_events_start_nothing_but_are_decided()
    {
        foreach (var one in (StageEvent[])[At("A", 1) with { Imported = true }, At("A", 1) with { ReceivedAt = Epoch.AddSeconds(-1) }])
        {
            var plan = LeadPlan.For([one], Epoch);
            Assert.NotNull(plan.Decided);
            Assert.Null(plan.StartedAt);
        }
    }

    [Fact]
    public void Stays_that_a_correction_joins_keep_the_jobs_of_the_earliest()
    {
        var (first, second) = (At("A", 1) with { Used = true }, At("A", 3) with { Used = true });
        var plan = LeadPlan.For([first, At("A", 2), second], Epoch);
        Assert.Equal(first.Occurrence, plan.Keep);
        Assert.Equal([second.Occurrence], plan.Others);
    }

    [Fact]
    public void A_revision_to_another_stage_is_another_occurrence_and_one_to_the_same_is_not()
    {
        var used = At("A", 1) with { Used = true };
        var same = used.RevisedBy(used with { Revision = 1, Occurrence = "new", Used = false });
        Assert.Equal((true, used.Occurrence), (same.Used, same.Occurrence));
        var moved = used.RevisedBy(used with { Revision = 1, StageId = "B", Occurrence = "new", Used = false });
        Assert.Equal((false, "new"), (moved.Used, moved.Occurrence));
        Assert.Same(moved, moved.RevisedBy(used));
    }

    private static StageEvent At(string stage, int hour)
    {
        var id = Guid.NewGuid();
        return new StageEvent(id, 0, Epoch.AddHours(hour), 1, hour, stage, id.ToString(), Epoch.AddHours(hour), Imported: false);
    }
}
