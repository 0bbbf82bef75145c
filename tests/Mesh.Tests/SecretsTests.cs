using System.Text.Json.Nodes;
using WhatsAppMesh.Mesh.Running;

namespace WhatsAppMesh.Mesh.Tests;

public sealed class SecretsTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("mesh-tests-");

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public void A_folder_made_before_there_was_a_broker_keeps_its_secrets_and_gets_a_key_for_it()
    {
        var folder = new MeshFolder(_folder.FullName);
        var made = MeshSecrets.LoadOrCreate(folder);
        var older = JsonNode.Parse(File.ReadAllText(folder.Secrets))!.AsObject();
        Assert.True(older.Remove("broker_api_key"));
        File.WriteAllText(folder.Secrets, older.ToJsonString());

        var read = MeshSecrets.LoadOrCreate(folder);

        Assert.Equal(made.CollectorSecret, read.CollectorSecret);
        Assert.NotEmpty(read.BrokerApiKey);
    }
}
