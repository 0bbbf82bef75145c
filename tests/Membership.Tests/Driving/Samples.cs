namespace WhatsAppMesh.Membership.Tests.Driving;

/// <summary>The design's sample events: under MESH_SHARED, else beside the repository.</summary>
public static class Samples
{
    public static string Path(string file) => System.IO.Path.Combine(Folder(), "payloads", file);

    private static string Folder()
    {
        if (Environment.GetEnvironmentVariable("MESH_SHARED") is { Length: > 0 } shared)
            return shared;
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(System.IO.Path.Combine(folder.FullName, "global.json")))
            folder = folder.Parent;
        return System.IO.Path.Combine(folder?.Parent?.FullName ?? throw new DirectoryNotFoundException("No folder above the tests holds global.json."), "shared");
    }
}
