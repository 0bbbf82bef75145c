using WhatsAppMesh.Membership.Facts;

namespace WhatsAppMesh.Membership.Tests;

/// <summary>The rules of the fold, one by one. Minutes are minutes after noon; an untimed fact is given by when it was received.</summary>
public sealed class FoldTests
{
    private const string Ana = "1@lid";
    private const string Bia = "2@lid";

    private static readonly DateTimeOffset Noon = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);

    private readonly List<Fact> _facts = [];

    private FoldTests Timed(FactKind kind, double minute, params string[] people) => Put(kind, minute, false, MemberRole.Member, people);

    private FoldTests Received(FactKind kind, double minute, params string[] people) => Put(kind, minute, true, MemberRole.Member, people);

    private FoldTests Put(FactKind kind, double minute, bool untimed, MemberRole role, params string[] people)
    {
        var at = Noon.AddMinutes(minute);
        _facts.Add(new Fact(new FactKey(untimed ? at - Untimed.Offset : at, 1, _facts.Count + 1, 0), kind, at, untimed, at, "default", [.. people.Select(person => new Entry(person, null, role))]));
        return this;
    }

    private MemberState Member(string person = Ana) => Fold.Of([.. _facts.OrderBy(static fact => fact.Key)], new Identity([])).Members[person];

    private (double Start, double? End)[] Stays(string person = Ana) =>
        [.. Member(person).Stays.Select(static stay => ((stay.Start - Noon).TotalMinutes, (stay.End - Noon)?.TotalMinutes))];

    [Fact]
    public void Add_opens_a_stay_and_remove_ends_it()
    {
        Timed(FactKind.Add, 0, Ana).Timed(FactKind.Remove, 60, Ana);
        Assert.Equal([(0, 60)], Stays());
    }

    [Fact]
    public void Rejoin_opens_a_new_stay_and_keeps_the_original_joined_at()
    {
        Timed(FactKind.Add, 0, Ana).Timed(FactKind.Remove, 60, Ana).Timed(FactKind.Add, 120, Ana);
        Assert.Equal([(0, 60), (120, null)], Stays());
        Assert.Equal((Noon, null), (Member().JoinedAt, Member().LeftAt));
    }

    [Fact]
    public void Roster_adds_who_is_listed_and_ends_who_is_not()
    {
        Timed(FactKind.Add, 0, Ana, Bia).Received(FactKind.Roster, 60, Bia, "3@lid");
        Assert.Equal([(0, 60)], Stays());
        Assert.True(Member(Bia).IsActive);
        Assert.Equal([(60, null)], Stays("3@lid"));
    }

    [Fact]
    public void Stale_snapshot_never_removes_a_newer_member()
    {
        Timed(FactKind.Add, 0, Ana).Received(FactKind.Roster, 10, Bia);
        Assert.True(Member().IsActive);
        Assert.Equal([(0, null)], Stays());
    }

    [Fact]
    public void Stale_snapshot_never_brings_back_who_left_after_it()
    {
        Timed(FactKind.Add, 0, Ana).Timed(FactKind.Remove, 50, Ana).Received(FactKind.Roster, 60, Ana);
        Assert.Equal([(0, 50)], Stays());
    }

    [Fact]
    public void Timed_add_gives_the_start_of_a_stay_that_an_untimed_fact_opened()
    {
        Received(FactKind.Add, 5, Ana).Timed(FactKind.Add, 0, Ana);
        Assert.Equal([(0, null)], Stays());
    }

    [Fact]
    public void Timed_add_never_moves_a_start_that_is_known()
    {
        Timed(FactKind.Add, 0, Ana).Timed(FactKind.Add, 5, Ana);
        Assert.Equal([(0, null)], Stays());
    }

    [Fact]
    public void Timed_remove_gives_the_end_that_an_untimed_one_told_late()
    {
        Timed(FactKind.Add, 0, Ana).Received(FactKind.Remove, 35, Ana).Timed(FactKind.Remove, 30, Ana);
        Assert.Equal([(0, 30)], Stays());
    }

    [Fact]
    public void Second_remove_changes_nothing()
    {
        Timed(FactKind.Add, 0, Ana).Timed(FactKind.Remove, 30, Ana).Timed(FactKind.Remove, 40, Ana).Received(FactKind.Remove, 90, Ana);
        Assert.Equal([(0, 30)], Stays());
    }

    [Fact]
    public void Start_never_lies_after_the_end()
    {
        Received(FactKind.Add, 5, Ana).Timed(FactKind.Remove, 0, Ana);
        Assert.Equal([(0, 0)], Stays());
    }

    [Fact]
    public void Earlier_stay_ends_by_the_start_of_the_next()
    {
        Timed(FactKind.Add, -60, Ana).Received(FactKind.Remove, 12, Ana).Timed(FactKind.Add, 0, Ana);
        Assert.Equal([(-60, 0), (0, null)], Stays());
    }

    [Fact]
    public void Remove_of_somebody_never_seen_leaves_a_row_without_a_stay()
    {
        Timed(FactKind.Remove, 0, Ana);
        Assert.Empty(Member().Stays);
        Assert.Equal((null, Noon), (Member().JoinedAt, Member().LeftAt));
    }

    [Fact]
    public void Later_add_of_somebody_only_seen_leaving_opens_the_first_stay()
    {
        Timed(FactKind.Remove, 0, Ana).Timed(FactKind.Add, 10, Ana);
        Assert.Equal([(10, null)], Stays());
        Assert.Null(Member().LeftAt);
    }

    [Fact]
    public void Promotion_of_somebody_never_seen_shows_that_they_are_there()
    {
        Timed(FactKind.Promote, 0, Ana);
        Assert.Equal([(0, null)], Stays());
        Assert.Equal(MemberRole.Admin, Member().Role);
        Assert.Empty(Member().Stays[0].Evidence);
    }

    [Fact]
    public void Promotion_of_somebody_who_left_says_nothing()
    {
        Timed(FactKind.Add, 0, Ana).Timed(FactKind.Remove, 10, Ana).Timed(FactKind.Promote, 20, Ana);
        Assert.False(Member().IsActive);
        Assert.Equal(MemberRole.Member, Member().Role);
    }

    [Fact]
    public void Promotion_keeps_a_superadmin_and_demotion_makes_a_member()
    {
        Put(FactKind.Roster, 0, false, MemberRole.Superadmin, Ana).Timed(FactKind.Promote, 10, Ana);
        Assert.Equal(MemberRole.Superadmin, Member().Role);
        Timed(FactKind.Demote, 20, Ana);
        Assert.Equal(MemberRole.Member, Member().Role);
    }

    [Fact]
    public void Roster_sets_the_roles_of_those_who_are_there_already()
    {
        Timed(FactKind.Add, 0, Ana).Put(FactKind.Roster, 10, false, MemberRole.Admin, Ana);
        Assert.Equal(MemberRole.Admin, Member().Role);
        Put(FactKind.Roster, 20, false, MemberRole.Member, Ana);
        Assert.Equal(MemberRole.Member, Member().Role);
    }

    [Fact]
    public void Add_of_an_active_member_keeps_the_role()
    {
        Put(FactKind.Roster, 0, false, MemberRole.Admin, Ana).Timed(FactKind.Add, 10, Ana);
        Assert.Equal(MemberRole.Admin, Member().Role);
    }

    [Fact]
    public void Person_listed_under_two_jids_has_the_higher_role()
    {
        var identity = new Identity([new IdentityPair("7@s.whatsapp.net", Ana, Noon)]);
        _facts.Add(new Fact(new FactKey(Noon, 1, 1, 0), FactKind.Roster, Noon, false, Noon, "default", [new Entry(Ana, null, MemberRole.Admin), new Entry(null, "7@s.whatsapp.net")]));
        var members = Fold.Of(_facts, identity).Members;
        Assert.Equal(MemberRole.Admin, Assert.Single(members).Value.Role);
    }

    [Theory]
    [InlineData(0, 14, true)]
    [InlineData(0, 15, true)]
    [InlineData(0, 16, false)]
    public void Add_proves_the_join_of_a_stay_that_a_roster_opened_only_close_to_its_start(double roster, double add, bool isJoin)
    {
        Put(FactKind.Roster, roster, false, MemberRole.Member, Ana).Timed(FactKind.Add, add, Ana);
        Assert.Equal(isJoin, Assert.Single(Member().Stays[0].Evidence).IsJoin);
    }

    [Fact]
    public void Roster_alone_proves_no_join()
    {
        Received(FactKind.Roster, 0, Ana).Received(FactKind.Roster, 60, Ana);
        Assert.Empty(Member().Stays[0].Evidence);
    }

    [Fact]
    public void Facts_of_one_moment_go_by_their_place_in_the_log()
    {
        Timed(FactKind.Add, 0, Ana).Timed(FactKind.Remove, 0, Ana);
        Assert.False(Member().IsActive);
        Timed(FactKind.Add, 0, Ana);
        Assert.True(Member().IsActive);
    }

    [Theory]
    [InlineData(0.02)]
    [InlineData(-0.02)]
    public void Join_and_leave_that_are_both_told_twice_are_one_stay(double delay)
    {
        Timed(FactKind.Add, 0, Ana).Received(FactKind.Add, delay, Ana).Timed(FactKind.Remove, 5, Ana).Received(FactKind.Remove, 5 + delay, Ana);
        var stay = Assert.Single(Member().Stays);
        Assert.Equal((Noon, Noon.AddMinutes(5)), (stay.Start, stay.End));
        Assert.Equal([1, 2], stay.Evidence.Select(static evidence => evidence.Position).Order());
    }

    [Theory]
    [InlineData(0.02)]
    [InlineData(-0.02)]
    public void Leave_and_rejoin_that_are_both_told_twice_open_one_new_stay(double delay)
    {
        Timed(FactKind.Add, -600, Ana);
        Timed(FactKind.Remove, 0, Ana).Received(FactKind.Remove, delay, Ana).Timed(FactKind.Add, 5, Ana).Received(FactKind.Add, 5 + delay, Ana);
        Assert.Equal([(-600, 0), (5, null)], Stays());
        Assert.Equal([4, 5], Member().Stays[1].Evidence.Select(static evidence => evidence.Position).Order());
        Assert.True(Member().IsActive);
    }

    [Fact]
    public void Quick_changes_told_twice_keep_their_count_and_times()
    {
        Timed(FactKind.Add, -600, Ana);
        foreach (var (kind, minute) in new[] { (FactKind.Remove, 0), (FactKind.Add, 2), (FactKind.Remove, 4), (FactKind.Add, 6) })
            Timed(kind, minute, Ana).Received(kind, minute + 0.02, Ana);
        Assert.Equal([(-600, 0), (2, 4), (6, null)], Stays());
    }

    [Fact]
    public void Timed_join_beats_a_roster_that_may_be_older_than_it()
    {
        Received(FactKind.Roster, 0, Ana).Received(FactKind.Roster, 5, Bia).Timed(FactKind.Add, -5, Ana);
        Assert.Equal([(-5, null)], Stays());
    }

    [Fact]
    public void Timed_leave_after_a_rejoin_that_only_a_timed_fact_told_ends_the_rejoin()
    {
        Received(FactKind.Add, -600, Ana).Received(FactKind.Remove, 0, Ana).Timed(FactKind.Add, 1, Ana).Timed(FactKind.Remove, 2, Ana);
        Assert.False(Member().IsActive);
        Assert.Equal(2, (Member().LeftAt!.Value - Noon).TotalMinutes);
    }
}
