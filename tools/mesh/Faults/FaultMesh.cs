using WhatsAppMesh.Mesh.Running;

namespace WhatsAppMesh.Mesh.Faults;

/// <summary>A fresh mesh to be hurt: two of each service, and a database on a small volume of its own where this process may mount one.</summary>
public sealed class FaultMesh : IAsyncDisposable
{
    /// <summary>Tenant of its default collector.</summary>
    public const string Tenant = "faults";

    // Room for an empty cluster and its log, and for each event in every database. Memory is taken only for what is written.
    private const long VolumeBytes = 768L * 1024 * 1024;
    private const long VolumeBytesPerEvent = 12 * 1024;

    private readonly MeshFolder _folder;
    private readonly SmallVolume? _volume;

    private FaultMesh(MeshFolder folder, SmallVolume? volume, MeshInstance mesh, IReadOnlyList<string> notRun)
    {
        _folder = folder;
        _volume = volume;
        Mesh = mesh;
        Actions = new FaultActions(mesh, volume);
        NotRun = notRun;
    }

    /// <summary>The mesh.</summary>
    public MeshInstance Mesh { get; }

    /// <summary>Brings faults about in it.</summary>
    public FaultActions Actions { get; }

    /// <summary>Faults that are not possible here, and why.</summary>
    public IReadOnlyList<string> NotRun { get; }

    /// <summary>Starts it, with empty databases.</summary>
    /// <param name="options">Where and from what; the rest is set here. It always gets a cluster of its own, whatever server is given.</param>
    /// <param name="events">Events that it will have to store at most.</param>
    /// <param name="say">Told what is being done.</param>
    /// <param name="cancellationToken">Gives up; whatever was started is ended.</param>
    public static async Task<FaultMesh> StartAsync(MeshOptions options, long events, Action<string> say, CancellationToken cancellationToken)
    {
        var folder = options.Folder;
        MeshInstance.RefuseSecond(folder);
        await MeshLeftovers.StopPostgresAsync(folder, say, cancellationToken);
        var (volume, reason) = await SmallVolume.TryMountAsync(folder.PostgresData, VolumeBytes + (events * VolumeBytesPerEvent));
        if (volume is null)
            folder.RemoveData();
        try
        {
            var mesh = await MeshInstance.StartAsync(Hurt(options), say, cancellationToken);
            return new FaultMesh(folder, volume, mesh, volume is null ? [$"disk full: no small volume for the database here ({reason})"] : []);
        }
        catch
        {
            await RemoveAsync(folder, volume);
            throw;
        }
    }

    /// <summary>Ends it and removes what it stored.</summary>
    public async ValueTask DisposeAsync()
    {
        await Mesh.DisposeAsync();
        await RemoveAsync(_folder, _volume);
    }

    private static async Task RemoveAsync(MeshFolder folder, SmallVolume? volume)
    {
        await MeshLeftovers.StopPostgresAsync(folder, static _ => { }, CancellationToken.None);
        if (volume is not null)
            await volume.DisposeAsync();
        folder.RemoveData();
    }

    private static MeshOptions Hurt(MeshOptions options) => options with
    {
        EphemeralPorts = true,
        Postgres = null,
        PostgresPort = 0,
        // A log that keeps within the small volume.
        PostgresSettings = new Dictionary<string, string> { ["shared_buffers"] = "'256MB'", ["max_wal_size"] = "'256MB'", ["min_wal_size"] = "'80MB'" },
        Replicas = RunFile.Load(Path.Combine(options.Repository, "dapr.yaml")).Apps.ToDictionary(app => app.AppId, _ => 2),
        Environment = new Dictionary<string, IReadOnlyDictionary<string, string>>(options.Environment)
        {
            ["edge"] = new Dictionary<string, string>(FaultSends.EdgeSettings) { ["Edge__Sources__0__Tenant"] = Tenant, ["Edge__Sources__0__RequestsPerSecond"] = "0" },
            ["dispatch"] = FaultSends.DispatchSettings,
        },
    };
}
