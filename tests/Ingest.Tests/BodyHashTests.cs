using System.Security.Cryptography;
using System.Text;

namespace WhatsAppMesh.Ingest.Tests;

public class BodyHashTests
{
    private static readonly DateTimeOffset Noon = new(2024, 6, 1, 12, 0, 0, TimeSpan.Zero);

    [Fact]
    public void It_is_the_first_half_of_sha256_over_type_and_payload() => Assert.Equal(
        new Guid(SHA256.HashData("messages.upsert\0{}"u8)[..16], bigEndian: true), BodyHash.Of("messages.upsert", "{}"u8, Noon));

    [Fact]
    public void Type_and_payload_do_not_run_into_each_other() =>
        Assert.NotEqual(BodyHash.Of("a", "[1]"u8, Noon), BodyHash.Of("a[", "1]"u8, Noon));

    [Theory]
    [InlineData("groups.metadata", """{"id":"1@g.us"}""", true)]
    [InlineData("groups.upsert", """{"id":"1@g.us","participants":[]}""", true)]
    [InlineData("groups.update", """{"id":"1@g.us","participants":[{"id":"1@lid"}]}""", true)]
    [InlineData("groups.update", """{"id":"1@g.us","subject":"S","x":{"participants":[]}}""", false)]
    [InlineData("groups.update", """{"participants":null}""", false)]
    [InlineData("groups.update", """[]""", false)]
    [InlineData("group-participants.update", """{"participants":[]}""", false)]
    [InlineData("messages.upsert", """{"participants":[]}""", false)]
    public void Rosters_are_new_observations_every_quarter_of_an_hour(string type, string payload, bool isRoster)
    {
        var body = Encoding.UTF8.GetBytes(payload);
        Assert.Equal(BodyHash.Of(type, body, Noon), BodyHash.Of(type, body, Noon.AddMinutes(14.99)));
        Assert.Equal(isRoster, BodyHash.Of(type, body, Noon) != BodyHash.Of(type, body, Noon.AddMinutes(15)));
    }

    [Fact]
    public void Large_payloads_are_hashed_alike()
    {
        var payload = Encoding.UTF8.GetBytes('"' + new string('x', 100_000) + '"');
        Assert.Equal(new Guid(SHA256.HashData([.. "t\0"u8, .. payload])[..16], bigEndian: true), BodyHash.Of("t", payload, Noon));
    }

    [Fact]
    public void A_derived_event_is_known_by_type_and_id_alone()
    {
        var id = Guid.NewGuid();
        Assert.Equal(BodyHash.OfDerived("member.joined", id), BodyHash.OfDerived("member.joined", id));
        Assert.NotEqual(BodyHash.OfDerived("member.joined", id), BodyHash.OfDerived("identity.linked", id));
        Assert.NotEqual(BodyHash.OfDerived("member.joined", id), BodyHash.OfDerived("member.joined", Guid.NewGuid()));
    }
}
