using WhatsAppMesh.Mesh.Running;

namespace WhatsAppMesh.Charts.Tests.Rendering;

/// <summary>
/// Prometheus' own tool, which tests rules as the server would run them. It comes in Debian's package <c>prometheus</c>; where it is missing,
/// the package is fetched and only the program taken out of it, for an installed package starts a server.
/// </summary>
internal static class Promtool
{
    /// <summary>What is said where there is no promtool and no way to one.</summary>
    public const string Missing = "The alerts' tests need promtool (2.42 or newer). It is in this package of Debian: apt-get install prometheus";

    private static readonly string Cache = Path.Combine(MeshRepository.Find(), "artifacts", "promtool");
    private static readonly Lazy<Task<string>> Own = new(() => LocateAsync(Programs.Find, Cache));

    /// <summary>Runs it in a folder.</summary>
    public static async Task<(int ExitCode, string Output)> RunAsync(string folder, params IEnumerable<string> arguments)
    {
        var (exitCode, output, errors) = await Programs.RunAsync(await Own.Value, arguments, folder: folder);
        return (exitCode, output + errors);
    }

    /// <summary>The program: on the PATH, taken before, or taken now.</summary>
    /// <param name="find">Finds programs on the PATH.</param>
    /// <param name="cache">Where one that was taken is kept.</param>
    /// <exception cref="InvalidOperationException">There is none to be had; the message names the package.</exception>
    public static async Task<string> LocateAsync(Func<string, string?> find, string cache)
    {
        if (find("promtool") is { } installed)
            return installed;
        var program = Path.Combine(cache, "promtool");
        if (File.Exists(program))
            return program;
        if (find("apt-get") is not { } aptGet || find("dpkg-deb") is not { } dpkgDeb)
            throw new InvalidOperationException(Missing);

        var work = Directory.CreateDirectory($"{cache}.{Environment.ProcessId}").FullName;
        try
        {
            // Whoever is not root lives with the lists that there are.
            await Programs.RunAsync(aptGet, ["update", "-qq"]);
            var (exitCode, _, errors) = await Programs.RunAsync(aptGet, ["download", "-qq", "prometheus"], folder: work);
            if (exitCode != 0 || Directory.GetFiles(work, "*.deb") is not [var package])
                throw new InvalidOperationException($"{Missing} ('apt-get download prometheus' says: {errors.Trim()})");
            await Programs.RequireAsync(dpkgDeb, ["-x", package, work]);
            Directory.CreateDirectory(cache);
            File.Move(Path.Combine(work, "usr", "bin", "promtool"), program, overwrite: true);
            return program;
        }
        finally
        {
            Directory.Delete(work, recursive: true);
        }
    }
}
