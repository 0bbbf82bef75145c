using WhatsAppMesh.Mesh.Commands;
using WhatsAppMesh.Mesh.Running;

namespace WhatsAppMesh.EndToEnd;

/// <summary><c>./mesh status</c> of a mesh that runs.</summary>
[Collection(MeshCollection.Name)]
public sealed class StatusTests(MeshUnderTest test)
{
    [Fact]
    public async Task Every_process_of_a_running_mesh_has_a_row_and_is_ready()
    {
        var answer = await Eventually.AskAsync(
            () => StatusCommand.AskAsync(test.Mesh.Folder, default),
            static answer => answer.Processes.All(static process => process.Status is ProcessStatus.Ready or ProcessStatus.Degraded),
            MeshUnderTest.Patience);

        Assert.NotNull(answer);
        Assert.True(answer.Up);
        Assert.Equal(test.Mesh.Processes.Select(static process => process.Name), answer.Processes.Select(static process => process.Name));
        Assert.Equal(answer.Processes.Any(static process => process.Status == ProcessStatus.Degraded), !answer.AllReady);
        Assert.All(answer.Processes, static process => Assert.NotNull(process.Address));
        Assert.All(answer.Processes.Where(static process => process.Status == ProcessStatus.Degraded), static process => Assert.NotEmpty(process.Reason!));
        var broker = answer.Processes.Single(static process => process.Name == LocalBroker.Name);
        Assert.Equal((ProcessStatus.Ready, test.Mesh.BrokerAddress), (broker.Status, broker.Address));
        Assert.Equal(answer.AllReady ? ExitCodes.Ok : ExitCodes.Failed, await StatusCommand.RunAsync(test.Mesh.Folder, json: true, default));
    }
}
