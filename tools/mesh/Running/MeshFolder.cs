namespace WhatsAppMesh.Mesh.Running;

/// <summary>Where a mesh keeps what it makes. Everything stands in one folder, normally <c>.mesh</c> of the repository.</summary>
public sealed class MeshFolder(string path)
{
    private const UnixFileMode OthersMayEnter = UnixFileMode.OtherExecute;

    /// <summary>Connection string of an existing server, from the environment variable MESH_POSTGRES; null when a private cluster is wanted.</summary>
    public static string? GivenPostgres => Environment.GetEnvironmentVariable("MESH_POSTGRES") is { Length: > 0 } given ? given : null;

    /// <summary>The folder itself.</summary>
    public string Root { get; } = Path.GetFullPath(path);

    /// <summary>A log per process, named for it.</summary>
    public string Logs => Path.Combine(Root, "logs");

    /// <summary>What runs: see <see cref="MeshState"/>.</summary>
    public string State => Path.Combine(Root, "state.json");

    /// <summary>Tokens and secrets of this mesh, readable by its owner only.</summary>
    public string Secrets => Path.Combine(Root, "secrets.json");

    /// <summary>The log of the last build.</summary>
    public string BuildLog => Path.Combine(Logs, "build.log");

    /// <summary>The log of a process.</summary>
    public string LogOf(string process) => Path.Combine(Logs, process + ".log");

    /// <summary>
    /// Where PostgreSQL keeps its files. Root starts it as the user "postgres", who cannot enter a folder such as /root: then they go to
    /// /var/tmp, in a folder named for this one.
    /// </summary>
    public string PostgresData => OthersCanEnter(Root)
        ? Path.Combine(Root, "postgres")
        : Path.Combine("/var/tmp", $"whatsappmesh-{Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(System.Text.Encoding.UTF8.GetBytes(Root)))[..12]}", "postgres");

    /// <summary>Makes the folder and empties it of old logs.</summary>
    public void Prepare()
    {
        Directory.CreateDirectory(Logs);
        foreach (var log in Directory.GetFiles(Logs, "*.log").Where(f => f != BuildLog))
            File.Delete(log);
    }

    /// <summary>Removes PostgreSQL's files.</summary>
    public void RemoveData()
    {
        if (Directory.Exists(PostgresData))
            Directory.Delete(PostgresData, recursive: true);
    }

    /// <summary>Writes a file that only its owner may read.</summary>
    public static void WritePrivately(string file, string text)
    {
        var options = new FileStreamOptions { Mode = FileMode.Create, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows())
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        using var writer = new StreamWriter(file, options);
        writer.Write(text);
    }

    private static bool OthersCanEnter(string folder)
    {
        if (!OperatingSystem.IsLinux() || Environment.UserName != "root")
            return true;
        Directory.CreateDirectory(folder);
        for (var at = new DirectoryInfo(folder); at is not null; at = at.Parent)
        {
            if (!at.UnixFileMode.HasFlag(OthersMayEnter))
                return false;
        }
        return true;
    }
}
