namespace WhatsAppMesh.Mesh.Running;

/// <summary>Finds the repository that a program was built in.</summary>
public static class MeshRepository
{
    private const string Mark = "global.json";

    /// <summary>The nearest folder above the running program that holds global.json.</summary>
    /// <exception cref="MeshException">There is none.</exception>
    public static string Find()
    {
        for (var at = new DirectoryInfo(AppContext.BaseDirectory); at is not null; at = at.Parent)
        {
            if (File.Exists(Path.Combine(at.FullName, Mark)))
                return at.FullName;
        }
        throw new MeshException($"{AppContext.BaseDirectory} is not inside the repository: no folder above it holds {Mark}.");
    }
}
