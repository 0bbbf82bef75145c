namespace WhatsAppMesh.StandIns.Tests;

/// <summary>Finds the samples that lie beside the repository, or where <c>MESH_SHARED</c> says.</summary>
public static class SharedFiles
{
    public static string Find(string relativePath)
    {
        var path = Path.Combine(Environment.GetEnvironmentVariable("MESH_SHARED") ?? Path.Combine(RepositoryRoot(), "..", "shared"), relativePath);
        return File.Exists(path)
            ? path
            : throw new FileNotFoundException($"The sample {relativePath} is not there; set MESH_SHARED to the folder that holds it.", path);
    }

    private static string RepositoryRoot()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "global.json")))
                return folder.FullName;
        }
        throw new DirectoryNotFoundException("No folder above the tests holds global.json.");
    }
}
