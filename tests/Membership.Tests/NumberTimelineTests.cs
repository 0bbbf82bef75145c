using WhatsAppMesh.Membership.Facts;

namespace WhatsAppMesh.Membership.Tests;

/// <summary>Whose a phone is when numbers change: by the pairs and the changes alone.</summary>
public sealed class NumberTimelineTests
{
    private const string A = "12025550101@s.whatsapp.net";
    private const string B = "12025550102@s.whatsapp.net";
    private const string C = "12025550103@s.whatsapp.net";
    private const string D = "12025550104@s.whatsapp.net";

    private static readonly DateTimeOffset Noon = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);

    private static IdentityPair Pair(string phone, string lid, int day) => new(phone, lid, Noon.AddDays(day));

    private static NumberChange Change(string oldPhone, string newPhone, double day, double? last = null) =>
        new(oldPhone, newPhone, Noon.AddDays(day), Noon.AddDays(last ?? day));

    private static string At(Identity identity, string phone, double day) => identity.Resolve(phone, Noon.AddDays(day));

    [Fact]
    public void Without_a_lid_both_numbers_are_the_person_of_the_new_one_at_any_time()
    {
        var identity = new Identity([], [Change(A, B, 1)]);
        foreach (var day in new[] { 0, 1, 2 })
            Assert.Equal((B, B), (At(identity, A, day), At(identity, B, day)));
        Assert.Equal((B, B, null, null), (identity.Owner(A), identity.Owner(B), identity.OwnedSince(A), identity.OwnedSince(B)));
    }

    [Fact]
    public void Chain_of_changes_ends_at_the_last_number()
    {
        var identity = new Identity([], [Change(B, C, 2), Change(A, B, 1), Change(C, D, 3)]);
        Assert.All([A, B, C, D], phone => Assert.Equal(D, identity.Owner(phone)));
        Assert.All([A, B, C, D], phone => Assert.Equal(D, At(identity, phone, 0)));
    }

    [Fact]
    public void Whoever_goes_back_to_the_old_number_has_that_one()
    {
        var identity = new Identity([], [Change(A, B, 1), Change(B, A, 2)]);
        Assert.Equal((A, A), (identity.Owner(A), identity.Owner(B)));
        identity = new Identity([], [Change(A, B, 1, 3), Change(B, A, 2)]);
        Assert.Equal((B, B), (identity.Owner(A), identity.Owner(B)));
    }

    [Fact]
    public void Ring_of_changes_ends_where_it_was_told_last()
    {
        var identity = new Identity([], [Change(C, A, 3), Change(A, B, 1), Change(B, C, 2), Change(A, A, 9)]);
        Assert.All([A, B, C], phone => Assert.Equal(A, identity.Owner(phone)));
        identity = new Identity([], [Change(C, A, 1), Change(A, B, 1), Change(B, C, 1)]);
        Assert.Single(new[] { A, B, C }.Select(identity.Owner).Distinct());
    }

    [Fact]
    public void New_number_is_the_lid_s_of_the_old_one_from_the_change_on()
    {
        var identity = new Identity([Pair(A, "1@lid", 0), Pair(B, "2@lid", -100)], [Change(A, B, 1)]);
        Assert.Equal(("2@lid", "1@lid", "1@lid"), (At(identity, B, 0.9), At(identity, B, 1), identity.Owner(A)));
        Assert.Equal((B, Noon.AddDays(1)), (identity.PhoneOf("1@lid"), identity.OwnedSince(B)));
        Assert.Null(identity.PhoneOf("2@lid"));
    }

    [Fact]
    public void Number_nobody_had_is_the_lid_s_at_any_time()
    {
        var identity = new Identity([Pair(A, "1@lid", 0)], [Change(A, B, 1)]);
        Assert.Equal(("1@lid", "1@lid", "1@lid"), (At(identity, B, 0), At(identity, B, 2), At(identity, A, 2)));
    }

    [Fact]
    public void Past_of_the_old_number_is_the_lid_s_of_the_new_one_however_late_that_is_learned()
    {
        var identity = new Identity([Pair(B, "1@lid", 30)], [Change(A, B, 1)]);
        Assert.Equal(("1@lid", "1@lid", "1@lid"), (At(identity, A, 0), At(identity, B, 2), identity.Owner(A)));
        Assert.Equal((B, null), (identity.PhoneOf("1@lid"), identity.OwnedSince(A)));
        identity = new Identity([Pair(C, "1@lid", 30)], [Change(A, B, 1), Change(B, C, 2)]);
        Assert.Equal(("1@lid", "1@lid", C), (At(identity, A, 0), At(identity, B, 0), identity.PhoneOf("1@lid")));
    }

    [Fact]
    public void Change_told_after_the_new_number_was_seen_with_a_lid_is_that_lid_s()
    {
        var identity = new Identity([Pair(B, "1@lid", 0)], [Change(A, B, 1)]);
        Assert.Equal(("1@lid", "1@lid"), (At(identity, A, 0), At(identity, A, 2)));
    }

    [Theory]
    [InlineData(-14)]
    [InlineData(0)]
    [InlineData(14)]
    public void With_a_lid_each_nobody_is_anybody_else(int minutes)
    {
        var identity = new Identity([Pair(A, "1@lid", 0), new IdentityPair(B, "2@lid", Noon.AddDays(1).AddMinutes(minutes))], [Change(A, B, 1)]);
        Assert.Equal(("1@lid", "2@lid", "2@lid"), (identity.Owner(A), identity.Owner(B), At(identity, B, 1)));
    }

    [Fact]
    public void Recycled_old_number_is_somebody_else_s_from_when_they_are_seen_with_it()
    {
        var identity = new Identity([Pair(A, "2@lid", 60)], [Change(A, B, 1)]);
        Assert.Equal((B, B, "2@lid", B), (At(identity, A, 0), At(identity, A, 59), At(identity, A, 60), identity.Owner(B)));
        identity = new Identity([Pair(A, "1@lid", 0), Pair(A, "2@lid", 60)], [Change(A, B, 1)]);
        Assert.Equal(("1@lid", "1@lid", "2@lid"), (At(identity, A, 59), identity.Owner(B), identity.Owner(A)));
    }

    [Fact]
    public void Recycled_old_number_that_is_changed_in_turn_takes_its_new_owner_along()
    {
        var identity = new Identity([Pair(A, "1@lid", 0), Pair(A, "2@lid", 60)], [Change(A, B, 1), Change(A, C, 90)]);
        Assert.Equal(("1@lid", "2@lid"), (identity.Owner(B), identity.Owner(C)));
    }

    [Fact]
    public void Two_people_who_come_to_one_number_one_after_the_other_stay_two()
    {
        var identity = new Identity([], [Change(A, B, 1), Change(C, B, 50)]);
        Assert.Equal((A, A, A), (identity.Owner(A), At(identity, B, 0), At(identity, B, 49)));
        Assert.Equal((B, B, B), (identity.Owner(C), identity.Owner(B), At(identity, B, 50)));
    }

    [Fact]
    public void Whose_every_number_is_somebody_else_s_now_is_taken_for_the_owner_of_the_last_one()
    {
        var identity = new Identity([], [Change(A, B, 1), Change(C, B, 50), Change(D, A, 60)]);
        Assert.Equal((B, B, A, A), (At(identity, A, 0), identity.Owner(C), identity.Owner(D), identity.Owner(A)));
    }

    [Fact]
    public void Number_is_the_lid_s_whose_pair_and_change_lie_within_one_untimed_telling()
    {
        // The roster that lists the new number was received a minute after the change, and counts as 14 minutes before it.
        var identity = new Identity([Pair(A, "1@lid", 0), new IdentityPair(B, "1@lid", Noon.AddDays(1).AddMinutes(-14))], [Change(A, B, 1)]);
        Assert.Equal(B, identity.PhoneOf("1@lid"));
        // First seen beside the old number minutes before the change.
        identity = new Identity([new IdentityPair(A, "1@lid", Noon.AddDays(1).AddMinutes(-5)), new IdentityPair(B, "1@lid", Noon.AddDays(1).AddMinutes(-14))], [Change(A, B, 1)]);
        Assert.Equal(B, identity.PhoneOf("1@lid"));
    }

    [Fact]
    public void Answers_do_not_depend_on_the_order_in_which_pairs_and_changes_are_told()
    {
        string[] phones = [A, B, C, D];
        var random = new Random(1);
        for (var seed = 0; seed < 500; seed++)
        {
            var pairs = Enumerable.Range(0, random.Next(5)).Select(_ => Pair(phones[random.Next(4)], $"{random.Next(3)}@lid", random.Next(6))).DistinctBy(static pair => (pair.Phone, pair.Lid)).ToArray();
            var changes = Enumerable.Range(0, random.Next(6)).Select(_ => Change(phones[random.Next(4)], phones[random.Next(4)], random.Next(3), 3 + random.Next(3)))
                .DistinctBy(static change => (change.OldPhone, change.NewPhone)).ToArray();
            var expected = Answers(new Identity(pairs, changes));
            random.Shuffle(pairs);
            random.Shuffle(changes);
            Assert.Equal(expected, Answers(new Identity(pairs, changes)));
            // Whoever stands for a person without a LID is that person now.
            Assert.All(expected.Where(static person => !person.Contains("@lid", StringComparison.Ordinal)), person => Assert.Equal(person, new Identity(pairs, changes).Owner(person)));
        }

        List<string> Answers(Identity identity) => [.. from phone in phones from day in Enumerable.Range(-1, 9) select At(identity, phone, day)];
    }
}
