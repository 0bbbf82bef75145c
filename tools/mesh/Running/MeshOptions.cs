namespace WhatsAppMesh.Mesh.Running;

/// <summary>How a mesh is to be started.</summary>
public sealed record MeshOptions
{
    /// <summary>Folder that holds dapr.yaml.</summary>
    public required string Repository { get; init; }

    /// <summary>Where logs, state, secrets and data go.</summary>
    public required MeshFolder Folder { get; init; }

    /// <summary>Build configuration whose output runs.</summary>
    public string Configuration { get; init; } = "release";

    /// <summary>True: free ports instead of those of dapr.yaml, so that meshes can stand side by side.</summary>
    public bool EphemeralPorts { get; init; }

    /// <summary>Processes per app id, each with a sidecar of its own; 1 where nothing is said.</summary>
    public IReadOnlyDictionary<string, int> Replicas { get; init; } = new Dictionary<string, int>();

    /// <summary>Environment by app id, process name or sidecar name ("ingest", "ingest-2", "membership.sidecar"); the more exact name wins.</summary>
    public IReadOnlyDictionary<string, IReadOnlyDictionary<string, string>> Environment { get; init; }
        = new Dictionary<string, IReadOnlyDictionary<string, string>>();

    /// <summary>Connection string of a server that may create databases; null starts a private cluster in the folder.</summary>
    public string? Postgres { get; init; }

    /// <summary>Port of the private cluster; 0 takes a free one.</summary>
    public int PostgresPort { get; init; }

    /// <summary>Lines for the private cluster's postgresql.conf, over the mesh's own.</summary>
    public IReadOnlyDictionary<string, string> PostgresSettings { get; init; } = new Dictionary<string, string>();

    /// <summary>Put before the name of each database, so that meshes can share a server.</summary>
    public string DatabasePrefix { get; init; } = "";

    /// <summary>True: what this mesh stored is removed when it stops.</summary>
    public bool RemoveDataAtStop { get; init; }

    /// <summary>False: sidecars ask for no token, as the Dapr CLI needs it.</summary>
    public bool ApiToken { get; init; } = true;

    /// <summary>True: who may call whom is as in a cluster, by the rules of components/access-control.</summary>
    public bool AccessControl { get; init; } = true;

    /// <summary>True where <see cref="AccessControl"/> can be had: a real daprd without Sentry gives nobody an identity, and would deny every call.</summary>
    public bool ChecksAccess => AccessControl && Daprd is null;

    /// <summary>A real daprd to use (full path), started with the arguments and environment of the other; null = the development sidecar.</summary>
    public string? Daprd { get; init; }

    /// <summary>Folder of components to use in place of the run file's; null = the run file's.</summary>
    public string? Components { get; init; }

    /// <summary>How long everything together may take to be ready.</summary>
    public TimeSpan ReadyWithin { get; init; } = TimeSpan.FromSeconds(60);
}
