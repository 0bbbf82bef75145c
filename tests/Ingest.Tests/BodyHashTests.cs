using System.Security.Cryptography;
using System.Text;

namespace WhatsAppMesh.Ingest.Tests;

public class BodyHashTests
{
    [Fact]
    public void It_is_the_first_half_of_sha256_over_type_and_payload() => Assert.Equal(
        new Guid(SHA256.HashData("messages.upsert\0{}"u8)[..16], bigEndian: true), BodyHash.Of("messages.upsert", "{}"u8));

    [Fact]
    public void Type_and_payload_do_not_run_into_each_other() =>
        Assert.NotEqual(BodyHash.Of("a", "[1]"u8), BodyHash.Of("a[", "1]"u8));

    [Fact]
    public void Large_payloads_are_hashed_alike()
    {
        var payload = Encoding.UTF8.GetBytes('"' + new string('x', 100_000) + '"');
        Assert.Equal(new Guid(SHA256.HashData([.. "t\0"u8, .. payload])[..16], bigEndian: true), BodyHash.Of("t", payload));
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
