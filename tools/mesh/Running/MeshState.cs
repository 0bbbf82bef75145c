using System.Text.Json;

namespace WhatsAppMesh.Mesh.Running;

/// <summary>One process in <see cref="MeshState"/>.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Identity">Who it is.</param>
/// <param name="Log">Its log.</param>
/// <param name="Health">Where it says that it is ready, when it is neither a service nor a sidecar; null when it says nothing.</param>
public sealed record ProcessEntry(string Name, ProcessIdentity Identity, string Log, Uri? Health = null);

/// <summary>One service in <see cref="MeshState"/>: where it and its sidecar are reached.</summary>
public sealed record ServiceEntry(string Name, string AppId, Uri Http, Uri DaprHttp, Uri DaprGrpc, int AppPort);

/// <summary>What runs, as the file state.json says it to other commands. It holds no secret.</summary>
public sealed record MeshState
{
    /// <summary>The process that started the mesh and ends it.</summary>
    public required ProcessIdentity Launcher { get; init; }

    /// <summary>All processes, in the order in which they are to be ended.</summary>
    public required IReadOnlyList<ProcessEntry> Processes { get; init; }

    public required IReadOnlyList<ServiceEntry> Services { get; init; }

    /// <summary>Folder of the private PostgreSQL cluster; null when a server was given.</summary>
    public string? PostgresData { get; init; }

    /// <summary>Its port.</summary>
    public int? PostgresPort { get; init; }

    /// <summary>True once everything was ready.</summary>
    public bool Ready { get; init; }

    /// <summary>True when the sidecars ask callers for a token.</summary>
    public bool AsksForToken { get; init; }

    /// <summary>True while the launcher, or anything that it started, runs.</summary>
    public bool IsAlive() => Launcher.IsAlive || Processes.Any(p => p.Identity.IsAlive);

    /// <summary>Reads the state of a folder; null when it has none.</summary>
    public static MeshState? Load(MeshFolder folder)
    {
        try
        {
            return JsonSerializer.Deserialize(File.ReadAllText(folder.State), MeshJson.Default.MeshState);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }
    }

    /// <summary>Writes it so that a reader sees the old or the new file, never half of one.</summary>
    public void Save(MeshFolder folder)
    {
        var next = folder.State + ".next";
        MeshFolder.WritePrivately(next, JsonSerializer.Serialize(this, MeshJson.Default.MeshState));
        File.Move(next, folder.State, overwrite: true);
    }
}
