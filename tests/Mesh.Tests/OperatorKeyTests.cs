using System.Security.Cryptography;
using System.Text;
using WhatsAppMesh.Mesh.Operating;
using WhatsAppMesh.Mesh.Running;

namespace WhatsAppMesh.Mesh.Tests;

/// <summary>Keys of the operator API, as the console makes them.</summary>
public sealed class OperatorKeyTests
{
    [Fact]
    public void A_key_has_256_random_bits_and_its_hash_is_what_edge_compares()
    {
        var keys = Enumerable.Range(0, 100).Select(static _ => OperatorKeys.New()).ToList();
        Assert.Equal(100, keys.Distinct().Count());
        Assert.All(keys, static key => Assert.Matches("^mesh_[A-Za-z0-9_-]{43}$", key));
        Assert.Equal("sha256:" + Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(keys[0]))), OperatorKeys.HashOf(keys[0]));
    }

    [Fact]
    public void A_mesh_of_an_older_version_gets_its_key_once_and_keeps_its_other_secrets()
    {
        var folder = new MeshFolder(Directory.CreateTempSubdirectory("mesh-secrets-").FullName);
        MeshFolder.WritePrivately(folder.Secrets, """{"internal_token":"kept","databases":{"ingest":"Host=x"}}""");
        var first = MeshSecrets.LoadOrCreate(folder);
        var second = MeshSecrets.LoadOrCreate(folder);
        Assert.Equal("kept", first.InternalToken);
        Assert.Equal("Host=x", second.Databases["ingest"]);
        Assert.NotEmpty(first.OperatorKey);
        Assert.Equal(first.OperatorKey, second.OperatorKey);
        Directory.Delete(folder.Root, recursive: true);
    }
}
