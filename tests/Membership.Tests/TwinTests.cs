using WhatsAppMesh.Membership.Facts;

namespace WhatsAppMesh.Membership.Tests;

/// <summary>
/// Changes that are told twice, with the server's time and without, and reach us late. Minutes are minutes after noon; each telling is
/// given by when it happened (none = untimed), when it was received, and by whom.
/// </summary>
public sealed class TwinTests
{
    private const string Ana = "1@lid";
    private const string Bia = "2@lid";

    private static readonly DateTimeOffset Noon = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);

    private readonly List<Fact> _facts = [];

    private TwinTests Told(FactKind kind, double? at, double received, string person = Ana, string source = "default", MemberRole role = MemberRole.Member)
    {
        var (happened, reception) = (Noon.AddMinutes(at ?? received), Noon.AddMinutes(received));
        var key = new FactKey(at is null ? happened - Untimed.Offset : happened, 1, _facts.Count + 1, 0);
        Entry[] entries = person.Length == 0 ? [] : [.. person.Split(' ').Select(jid => new Entry(jid, null, role))];
        _facts.Add(new Fact(key, kind, happened, at is null, reception, source, entries));
        return this;
    }

    private Fold Folded => Fold.Of([.. _facts.OrderBy(static fact => fact.Key)], new Identity([]));

    private MemberState Member(string person = Ana) => Folded.Members[person];

    private (double Start, double? End)[] Stays(string person = Ana) =>
        [.. Member(person).Stays.Select(static stay => ((stay.Start - Noon).TotalMinutes, (stay.End - Noon)?.TotalMinutes))];

    private long[][] Evidence(string person = Ana) =>
        [.. Member(person).Stays.Select(static stay => stay.Evidence.Select(static evidence => evidence.Position).Order().ToArray())];

    [Theory]
    [InlineData(0)]
    [InlineData(16)]
    [InlineData(180)]
    [InlineData(3 * 24 * 60)]
    public void Join_leave_and_rejoin_told_twice_after_hours_in_an_outbox_are_what_happened(double delay)
    {
        var received = delay;
        foreach (var (kind, minute) in new[] { (FactKind.Add, 0.0), (FactKind.Remove, 2), (FactKind.Add, 4), (FactKind.Remove, 6), (FactKind.Add, 8) })
        {
            received = Math.Max(received, minute) + 0.05;
            Told(kind, minute, received).Told(kind, null, received + 0.02);
        }
        Assert.Equal([(0, 2), (4, 6), (8, null)], Stays());
        Assert.Equal([[1, 2], [5, 6], [9, 10]], Evidence());
    }

    [Fact]
    public void Late_untimed_leave_does_not_end_the_stay_after_it()
    {
        Told(FactKind.Add, -600, -600).Told(FactKind.Remove, 0, 20).Told(FactKind.Remove, null, 20.1).Told(FactKind.Add, 1, 20.2).Told(FactKind.Add, null, 20.3);
        Assert.Equal([(-600, 0), (1, null)], Stays());
    }

    [Theory]
    [InlineData(30.1, 30)]
    [InlineData(30, 30.1)]
    [InlineData(39.9, 30)]
    [InlineData(30, 39.9)]
    public void Twin_may_be_received_first_or_last_within_ten_minutes(double timed, double untimed)
    {
        Told(FactKind.Add, -60, -60).Told(FactKind.Remove, 5, timed).Told(FactKind.Remove, null, untimed).Told(FactKind.Add, 6, 30);
        Assert.Equal([(-60, 5), (6, null)], Stays());
    }

    [Fact]
    public void Untimed_change_received_later_than_that_is_a_change_of_its_own()
    {
        Told(FactKind.Add, -60, -60).Told(FactKind.Remove, 5, 30).Told(FactKind.Add, 6, 30).Told(FactKind.Remove, null, 40.1);
        Assert.Equal([(-60, 5), (6, 40.1)], Stays());
    }

    [Fact]
    public void Untimed_change_alone_is_ordered_a_quarter_of_an_hour_before_its_reception()
    {
        Told(FactKind.Add, 0, 0).Told(FactKind.Remove, null, 14);
        Assert.Equal([(0, null)], Stays());
        Told(FactKind.Remove, null, 30);
        Assert.Equal([(0, 30)], Stays());
    }

    [Fact]
    public void Each_collector_has_a_telling_of_its_own()
    {
        Told(FactKind.Add, 0, 20).Told(FactKind.Add, null, 20.1).Told(FactKind.Add, null, 21, source: "second").Told(FactKind.Remove, 5, 22);
        Assert.Equal([(0, 5)], Stays());
        Assert.Equal([[1, 2, 3]], Evidence());
    }

    [Fact]
    public void Timed_telling_takes_one_untimed_telling_of_a_source_and_the_next_stands_for_itself()
    {
        Told(FactKind.Add, 0, 0).Told(FactKind.Add, null, 0.1).Told(FactKind.Remove, 1, 1).Told(FactKind.Add, null, 9);
        Assert.Equal([(0, 1)], Stays());
        Assert.Equal([[1, 2, 4]], Evidence());
    }

    [Fact]
    public void Tellings_are_matched_by_reception()
    {
        var at = (int minute) => Noon.AddMinutes(minute);
        Telling[] tellings =
        [
            new(new FactKey(at(0), 1, 1, 0), false, at(20), "a"), new(new FactKey(at(1), 1, 2, 0), false, at(21), "a"),
            new(new FactKey(at(6), 1, 3, 0), true, at(21), "a"), new(new FactKey(at(5), 1, 4, 0), true, at(20), "a"), new(new FactKey(at(5), 1, 5, 0), true, at(25), "b"),
        ];
        Assert.Equal([(0, 3), (0, 4), (1, 2)], Twins.Match(tellings).Order());
    }

    [Fact]
    public void Late_untimed_promotion_does_not_undo_a_demotion()
    {
        Told(FactKind.Add, -60, -60).Told(FactKind.Promote, 0, 30).Told(FactKind.Demote, 5, 30).Told(FactKind.Demote, null, 30.1).Told(FactKind.Promote, null, 30.2);
        Assert.Equal(MemberRole.Member, Member().Role);
        Told(FactKind.Promote, 10, 31).Told(FactKind.Promote, null, 31.1);
        Assert.Equal(MemberRole.Admin, Member().Role);
    }

    [Theory]
    [InlineData(29)]
    [InlineData(20.5)]
    [InlineData(39)]
    public void Roster_received_beside_a_timed_join_leaves_it_open(double roster)
    {
        Told(FactKind.Add, 0, 30).Told(FactKind.Roster, null, roster, Bia);
        Assert.Equal([(0, null)], Stays());
    }

    [Fact]
    public void Roster_received_later_ends_the_stay()
    {
        Told(FactKind.Add, 0, 30).Told(FactKind.Roster, null, 31, Bia).Told(FactKind.Roster, null, 45, Bia);
        Assert.Equal([(0, 45)], Stays());
    }

    [Fact]
    public void Roster_that_carries_its_time_is_believed()
    {
        Told(FactKind.Add, 0, 30).Told(FactKind.Roster, 10, 31, Bia);
        Assert.Equal([(0, 10)], Stays());
    }

    [Fact]
    public void Roster_received_beside_a_timed_promotion_leaves_the_role()
    {
        Told(FactKind.Add, -60, -60).Told(FactKind.Promote, 0, 30).Told(FactKind.Roster, null, 31, Ana);
        Assert.Equal(MemberRole.Admin, Member().Role);
        Told(FactKind.Roster, null, 45, Ana);
        Assert.Equal(MemberRole.Member, Member().Role);
    }

    [Fact]
    public void Part_of_a_roster_adds_whom_it_lists_and_ends_nobody()
    {
        Told(FactKind.Roster, null, 0, $"{Ana} {Bia}").Told(FactKind.Listing, null, 60, "3@lid", role: MemberRole.Admin).Told(FactKind.Listing, null, 90, Bia, role: MemberRole.Admin);
        Assert.Equal([(0, null)], Stays());
        Assert.Equal(MemberRole.Admin, Member(Bia).Role);
        Assert.Equal([(60, null)], Stays("3@lid"));
    }

    [Fact]
    public void Members_of_a_past_time_go_by_all_that_is_known_of_it()
    {
        Told(FactKind.Add, -60, -60).Told(FactKind.Remove, 0, 30).Told(FactKind.Add, 5, 30).Told(FactKind.Add, null, 30.1).Told(FactKind.Remove, null, 30.2);
        Fact[] facts = [.. _facts.OrderBy(static fact => fact.Key)];
        Assert.False(Fold.Of(facts, new Identity([]), Noon.AddMinutes(3)).Members[Ana].IsActive);
        Assert.True(Fold.Of(facts, new Identity([]), Noon.AddMinutes(31)).Members[Ana].IsActive);
    }
}
