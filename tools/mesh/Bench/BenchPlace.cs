using WhatsAppMesh.Mesh.Running;
using WhatsAppMesh.Mesh.Screens;

namespace WhatsAppMesh.Mesh.Bench;

/// <summary>Where benchmarks run: fresh meshes on free ports, in folders of their own, removed afterwards.</summary>
/// <param name="Repository">Folder with dapr.yaml.</param>
/// <param name="Folder">The local mesh's folder.</param>
/// <param name="Options">Options of a mesh in a folder.</param>
internal sealed record BenchPlace(string Repository, MeshFolder Folder, Func<MeshFolder, MeshOptions> Options)
{
    /// <summary>A folder below the local mesh's.</summary>
    public MeshFolder Of(string name) => new(Path.Combine(Folder.Root, "bench-" + name));

    /// <summary>Starts a fresh mesh.</summary>
    public async Task<MeshInstance> StartAsync(
        string name, IReadOnlyDictionary<string, IReadOnlyDictionary<string, string>> environment, Screen screen, CancellationToken cancellationToken,
        IReadOnlyDictionary<string, int>? replicas = null)
    {
        var folder = Of(name);
        await MeshLeftovers.StopPostgresAsync(folder, screen.Line, cancellationToken);
        folder.RemoveData();
        var options = Options(folder) with
        {
            EphemeralPorts = true,
            RemoveDataAtStop = true,
            DatabasePrefix = MeshFolder.GivenPostgres is null ? "" : $"mesh_bench_{name}_",
            Environment = environment,
            ReadyWithin = TimeSpan.FromMinutes(4),
            Replicas = replicas ?? new Dictionary<string, int>(),
        };
        return await screen.WorkAsync("starting a fresh mesh", say => MeshInstance.StartAsync(options, say, cancellationToken));
    }
}
