using System.Runtime.InteropServices;

namespace WhatsAppMesh.LocalPostgres;

/// <summary>Where PostgreSQL's server programs are on this machine.</summary>
/// <param name="Directory">Folder that holds initdb, pg_ctl and postgres.</param>
public sealed record PostgresBinaries(string Directory)
{
    private static readonly string[] Needed = ["initdb", "pg_ctl", "postgres"];

    /// <summary>What to tell a person when PostgreSQL is missing and cannot be installed from here.</summary>
    public const string MissingSentence =
        "PostgreSQL (15 or newer) was not found. Install it ('apt-get install postgresql' on Debian), "
        + "or set MESH_POSTGRES to the connection string of a server you may create databases on.";

    /// <summary>Full path of one of the programs.</summary>
    public string this[string program] => Path.Combine(Directory, program);

    /// <summary>Looks through PATH, then /usr/lib/postgresql/*/bin, newest version first. Null when there is none.</summary>
    public static PostgresBinaries? Find()
    {
        var path = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries);
        return path.Concat(DebianFolders()).Where(HasAll).Select(folder => new PostgresBinaries(folder)).FirstOrDefault();
    }

    /// <summary>
    /// Finds PostgreSQL, or installs Debian's package when this process is root and apt-get is there.
    /// </summary>
    /// <param name="say">Told what is being done, one sentence at a time.</param>
    /// <exception cref="PostgresUnavailableException">There is none, and it could not be installed; the message says what to do.</exception>
    public static async Task<PostgresBinaries> FindOrInstallAsync(Action<string> say, CancellationToken cancellationToken = default)
    {
        if (Find() is { } found)
            return found;
        if (!OperatingSystem.IsLinux() || !ProcessUser.IsRoot || !File.Exists("/usr/bin/apt-get"))
            throw new PostgresUnavailableException(MissingSentence);

        say("PostgreSQL is missing: installing Debian's package (apt-get install postgresql)");
        var environment = new Dictionary<string, string> { ["DEBIAN_FRONTEND"] = "noninteractive" };
        await ServerProgram.RunAsync("/usr/bin/apt-get", ["update", "-qq"], asServerUser: false, environment, cancellationToken).ConfigureAwait(false);
        await ServerProgram.RunAsync(
            "/usr/bin/apt-get", ["install", "-y", "-qq", "--no-install-recommends", "postgresql"], asServerUser: false, environment, cancellationToken).ConfigureAwait(false);
        return Find() ?? throw new PostgresUnavailableException(MissingSentence);
    }

    private static bool HasAll(string folder) => Needed.All(program => File.Exists(Path.Combine(folder, program)));

    private static IEnumerable<string> DebianFolders()
    {
        const string Root = "/usr/lib/postgresql";
        if (!System.IO.Directory.Exists(Root))
            return [];

        return System.IO.Directory.GetDirectories(Root)
            .OrderByDescending(folder => int.TryParse(Path.GetFileName(folder), out var version) ? version : 0)
            .Select(folder => Path.Combine(folder, "bin"));
    }
}

/// <summary>PostgreSQL cannot be found, installed or started. The message is for the person at the terminal.</summary>
public sealed class PostgresUnavailableException(string message, Exception? inner = null) : Exception(message, inner);

/// <summary>Who this process runs as. PostgreSQL refuses to run as root, so root starts it as the user "postgres".</summary>
internal static partial class ProcessUser
{
    public static bool IsRoot { get; } = OperatingSystem.IsLinux() && GetEffectiveUserId() == 0;

    [LibraryImport("libc", EntryPoint = "geteuid")]
    private static partial uint GetEffectiveUserId();
}
