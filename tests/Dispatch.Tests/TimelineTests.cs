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
    public void A_stay_is_named_by_the_event_that_the_lake_had_first()
    {
        var first = At("A", 2) with { Used = true };
        var late = At("A", 1) with { Position = 3, ReceivedAt = Epoch.AddHours(3) };
        Assert.Equal((first.Occurrence, null), Of(LeadPlan.For([first, late], Epoch)));

        // Handled out of the order of the log: the stay keeps its jobs, and its name is that of the earlier.
        var (handledFirst, had) = (At("A", 2) with { Used = true }, At("A", 1));
        var plan = LeadPlan.For([handledFirst, had], Epoch);
        Assert.Equal((had.Occurrence, null), Of(plan));
        Assert.Equal([handledFirst.Occurrence], plan.Others);

        static (string, StageEvent?) Of(LeadPlan plan) => (plan.Keep, plan.Decided);
    }

    [Fact]
    public void What_the_lake_had_before_the_start_undoes_what_a_later_telling_made()
    {
        var made = At("A", 9) with { Used = true };
        foreach (var before in (StageEvent[])[At("A", 1) with { ReceivedAt = Epoch.AddSeconds(-1) }, At("A", 1) with { Imported = true }])
        {
            var plan = LeadPlan.For([made, before], Epoch);
            Assert.Equal((before.Occurrence, 0, null), (plan.Keep, plan.Others.Count, plan.Decided));
        }
    }

    [Fact]
    public void An_import_that_tells_afterwards_that_the_lead_was_away_starts_nothing()
    {
        var (first, third) = (At("A", 1) with { Used = true }, At("A", 3));
        var import = At("B", 2) with { Imported = true, Position = 9 };
        var plan = LeadPlan.For([first, third, import], Epoch);
        Assert.Equal((first.Occurrence, null), (plan.Keep, plan.Decided));

        // Known before the lead came back, it ends the stay; and so does a live event, whatever else an import tells.
        Assert.Equal(third, LeadPlan.For([first, third, import with { Position = 2 }], Epoch).Decided);
        Assert.Equal(third, LeadPlan.For([first, third, import, At("C", 2) with { Position = 10 }], Epoch).Decided);
    }

    [Fact]
    public void A_late_other_stage_starts_nothing_for_what_came_before_the_start()
    {
        var (first, third) = (At("A", 1) with { ReceivedAt = Epoch.AddHours(-2) }, At("A", 3) with { ReceivedAt = Epoch.AddHours(-1) });
        Assert.Null(LeadPlan.For([first, third, At("B", 2) with { Position = 9 }], Epoch).Decided);
    }

    [Fact]
    public void A_late_other_stage_between_starts_the_second_stay_when_both_are_known()
    {
        var (first, third) = (At("A", 1) with { Used = true }, At("A", 3));
        var late = At("B", 2) with { ReceivedAt = Epoch.AddHours(9), Position = 9 };
        var plan = LeadPlan.For([first, third, late], Epoch);
        Assert.Equal((third, late.ReceivedAt), (plan.Decided!, plan.StartedAt!.Value));
    }

    [Fact]
    public void Imported_and_old_events_start_nothing_and_nor_does_what_is_told_of_them_later()
    {
        foreach (var one in (StageEvent[])[At("A", 1) with { Imported = true }, At("A", 1) with { ReceivedAt = Epoch.AddSeconds(-1) }])
        {
            Assert.Null(LeadPlan.For([one], Epoch).Decided);
            Assert.Null(LeadPlan.For([one, At("A", 4)], Epoch).Decided);
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
        // The later revision may be handled first: the stay was known since the earlier.
        var later = used with { Revision = 1, Position = 7, ReceivedAt = used.ReceivedAt.AddHours(6) };
        Assert.Equal((1, used.Position, used.ReceivedAt), Heard(later.RevisedBy(used)));
        Assert.Equal((1, used.Position, used.ReceivedAt), Heard(used.RevisedBy(later)));

        static (int, long, DateTimeOffset) Heard(StageEvent one) => (one.Revision, one.Position, one.ReceivedAt);
    }

    [Fact]
    public void A_revision_to_the_same_stage_is_a_retry_and_moves_nothing_whichever_is_handled_first()
    {
        var told = At("A", 1);
        var retry = told with { Revision = 1, Position = 9, OrderAt = told.OrderAt.AddHours(8), ReceivedAt = told.ReceivedAt.AddHours(8) };
        Assert.Equal(told.OrderAt, told.RevisedBy(retry).OrderAt);
        Assert.Equal(told.OrderAt, retry.RevisedBy(told).OrderAt);
        Assert.Equal(["A", "B"], Timeline.Fold([told.RevisedBy(retry), At("B", 2)]).Select(static stay => stay.StageId));
    }

    private static StageEvent At(string stage, int hour)
    {
        var id = Guid.NewGuid();
        return new StageEvent(id, 0, Epoch.AddHours(hour), 1, hour, stage, id.ToString(), Epoch.AddHours(hour), Imported: false);
    }
}
