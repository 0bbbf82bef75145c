using System.Text.Json;

namespace WhatsAppMesh.Events.Tests;

public class DerivedIdTests
{
    [Fact]
    public void Ids_equal_the_published_vectors()
    {
        using var vectors = JsonDocument.Parse(File.ReadAllBytes(SharedFiles.Payload("00_vectors.json")));
        var @namespace = vectors.RootElement.GetProperty("namespace").GetGuid();
        foreach (var vector in vectors.RootElement.GetProperty("uuidv5").EnumerateArray())
            Assert.Equal(vector.GetProperty("event_id").GetGuid(), DerivedId.Of(@namespace, vector.GetProperty("name").GetString()!));
    }

    [Fact]
    public void A_long_name_is_hashed_like_a_short_one()
    {
        var id = DerivedId.Of(new string('é', 5_000));
        Assert.Equal(id, DerivedId.Of(new string('é', 5_000)));
        Assert.Equal(5, id.Version);
        Assert.NotEqual(id, DerivedId.Of(new string('é', 5_001)));
    }

    [Fact]
    public void The_namespace_never_changes() =>
        Assert.Equal(Guid.Parse("65ae2022-1442-5953-884e-69eee9e3303a"), DerivedId.Of("trigger|t1|k1"));
}
