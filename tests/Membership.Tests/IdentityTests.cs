using WhatsAppMesh.Membership.Facts;

namespace WhatsAppMesh.Membership.Tests;

public sealed class IdentityTests
{
    private const string Phone = "12025550101@s.whatsapp.net";

    private static readonly DateTimeOffset Noon = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);

    private static readonly Identity Recycled = new([new IdentityPair(Phone, "2@lid", Noon.AddDays(30)), new IdentityPair(Phone, "1@lid", Noon)]);

    [Fact]
    public void Lid_is_a_person_whatever_phone_stands_beside_it() => Assert.Equal("9@lid", Recycled.Person(new Entry("9@lid", Phone), Noon));

    [Fact]
    public void Phone_without_a_lid_stands_for_itself()
    {
        var identity = new Identity([]);
        Assert.Equal(Phone, identity.Person(new Entry(null, Phone), Noon));
        Assert.Equal((Phone, null), (identity.Owner(Phone), identity.OwnedSince(Phone)));
    }

    [Theory]
    [InlineData(-1, "1@lid")]
    [InlineData(0, "1@lid")]
    [InlineData(29, "1@lid")]
    [InlineData(30, "2@lid")]
    [InlineData(99, "2@lid")]
    public void Recycled_phone_belongs_to_whoever_had_it_then(int day, string lid) => Assert.Equal(lid, Recycled.Resolve(Phone, Noon.AddDays(day)));

    [Fact]
    public void Recycled_phone_belongs_to_the_last_owner_now()
    {
        Assert.Equal("2@lid", Recycled.Owner(Phone));
        Assert.Equal(Noon.AddDays(30), Recycled.OwnedSince(Phone));
        Assert.Equal((null, Phone), (Recycled.PhoneOf("1@lid"), Recycled.PhoneOf("2@lid")));
    }

    [Fact]
    public void Two_owners_since_one_moment_give_one_answer_in_whatever_order_they_are_told()
    {
        IdentityPair[] pairs = [new(Phone, "1@lid", Noon), new(Phone, "2@lid", Noon)];
        Assert.Equal(new Identity(pairs).Owner(Phone), new Identity(pairs.Reverse()).Owner(Phone));
    }

    [Fact]
    public void Person_with_two_phones_is_shown_with_the_later_one()
    {
        var identity = new Identity([new IdentityPair("new@s.whatsapp.net", "1@lid", Noon.AddDays(1)), new IdentityPair(Phone, "1@lid", Noon)]);
        Assert.Equal("new@s.whatsapp.net", identity.PhoneOf("1@lid"));
    }
}
