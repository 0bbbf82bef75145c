namespace WhatsAppMesh.Ingest.Tests;

/// <summary>The design's samples: <c>$MESH_SHARED</c>, else <c>../shared</c> beside the repository root.</summary>
internal static class SharedFiles
{
    /// <summary>The repository's root.</summary>
    public static string Repository { get; } = RepositoryRoot();

    public static string Root { get; } = Environment.GetEnvironmentVariable("MESH_SHARED") ?? Path.Combine(Repository, "..", "shared");

    public static string Payload(string name) => Path.Combine(Root, "payloads", name);

    private static string RepositoryRoot()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "global.json")))
                return folder.FullName;
        }
        throw new DirectoryNotFoundException($"No folder above {AppContext.BaseDirectory} holds global.json: set MESH_SHARED.");
    }
}
