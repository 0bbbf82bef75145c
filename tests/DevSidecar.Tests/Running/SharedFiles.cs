namespace WhatsAppMesh.DevSidecar.Tests.Running;

/// <summary>The recorded answers of a real sidecar: in <c>$MESH_SHARED</c>, else in <c>shared</c> beside the repository.</summary>
internal static class SharedFiles
{
    public static string Vector(string name) => Path.Combine(Root(), "vectors", name);

    private static string Root()
    {
        if (Environment.GetEnvironmentVariable("MESH_SHARED") is { Length: > 0 } given)
            return given;

        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "global.json")))
            folder = folder.Parent;
        return folder?.Parent is { } beside
            ? Path.Combine(beside.FullName, "shared")
            : throw new InvalidOperationException("There is no repository above the tests: set MESH_SHARED to the folder of the shared files.");
    }
}
