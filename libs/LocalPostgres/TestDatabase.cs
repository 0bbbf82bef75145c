using System.Diagnostics;
using System.Globalization;
using Npgsql;

namespace WhatsAppMesh.LocalPostgres;

/// <summary>
/// A database for one test. All tests of a process share a cluster: the server that MESH_POSTGRES names (a connection string that may
/// create databases), or a private one that the first test starts and the end of the process stops.
/// </summary>
public sealed class TestDatabase : IAsyncDisposable
{
    private static readonly Lazy<Task<string>> Server = new(StartServerAsync);

    private TestDatabase(string serverConnectionString, string name)
    {
        Name = name;
        ServerConnectionString = serverConnectionString;
        ConnectionString = new NpgsqlConnectionStringBuilder(serverConnectionString) { Database = name, MaxPoolSize = 16 }.ConnectionString;
    }

    /// <summary>Name of the database, unique on its server.</summary>
    public string Name { get; }

    /// <summary>Connection string of the database, as an owner that may do anything in it.</summary>
    public string ConnectionString { get; }

    /// <summary>Connection string of the server's maintenance database.</summary>
    public string ServerConnectionString { get; }

    /// <summary>Connection string of the server that all tests of this process share, for those that make databases of their own.</summary>
    /// <exception cref="PostgresUnavailableException">There is no PostgreSQL to be had.</exception>
    public static Task<string> ServerAsync() => Server.Value;

    /// <summary>Creates an empty database.</summary>
    /// <exception cref="PostgresUnavailableException">There is no PostgreSQL to be had.</exception>
    public static async Task<TestDatabase> CreateAsync()
    {
        var server = await Server.Value.ConfigureAwait(false);
        var database = new TestDatabase(server, "test_" + Guid.NewGuid().ToString("N"));
        await database.ExecuteOnServerAsync($"create database {database.Name}").ConfigureAwait(false);
        return database;
    }

    /// <summary>Drops the database, ending whatever is still connected to it.</summary>
    public async ValueTask DisposeAsync()
    {
        NpgsqlConnection.ClearPool(new NpgsqlConnection(ConnectionString));
        await ExecuteOnServerAsync($"drop database if exists {Name} with (force)").ConfigureAwait(false);
    }

    private async Task ExecuteOnServerAsync(string sql)
    {
        await using var connection = new NpgsqlConnection(ServerConnectionString);
        await connection.OpenAsync().ConfigureAwait(false);
        await using var command = new NpgsqlCommand(sql, connection) { CommandTimeout = 120 };
        await command.ExecuteNonQueryAsync().ConfigureAwait(false);
    }

    private static async Task<string> StartServerAsync()
    {
        if (Environment.GetEnvironmentVariable("MESH_POSTGRES") is { Length: > 0 } existing)
            return existing;

        var binaries = await PostgresBinaries.FindOrInstallAsync(Console.Error.WriteLine).ConfigureAwait(false);
        await RemoveAbandonedAsync(binaries).ConfigureAwait(false);
        var folder = Path.Combine(Path.GetTempPath(), Prefix + Environment.ProcessId.ToString(CultureInfo.InvariantCulture));
        Directory.CreateDirectory(folder);
        var cluster = await PostgresCluster.StartAsync(binaries, Path.Combine(folder, "data"), new PostgresClusterOptions { Settings = TestSettings }).ConfigureAwait(false);
        AppDomain.CurrentDomain.ProcessExit += (_, _) => cluster.Abandon(folder);
        return cluster.ConnectionString("postgres");
    }

    private const string Prefix = "whatsappmesh-test-postgres-";

    // A test cluster lives as long as its process: it need not survive a power cut. It does survive kill -9 of its clients.
    private static readonly Dictionary<string, string> TestSettings = new() { ["fsync"] = "off", ["shared_buffers"] = "'256MB'" };

    /// <summary>Clusters whose test process was killed: stopped and removed by the next one.</summary>
    private static async Task RemoveAbandonedAsync(PostgresBinaries binaries)
    {
        foreach (var folder in Directory.GetDirectories(Path.GetTempPath(), Prefix + "*"))
        {
            if (!int.TryParse(Path.GetFileName(folder)[Prefix.Length..], CultureInfo.InvariantCulture, out var owner) || IsAlive(owner))
                continue;

            try
            {
                await ServerProgram.RunAsync(binaries["pg_ctl"], ["stop", "-D", Path.Combine(folder, "data"), "-m", "immediate"], asServerUser: true, null, default).ConfigureAwait(false);
            }
            catch (PostgresUnavailableException)
            {
                // Not running: only the files are left.
            }

            try
            {
                Directory.Delete(folder, recursive: true);
            }
            catch (IOException)
            {
                // Another test process, or the shell that outlived the owner, is removing it at this moment.
            }
        }
    }

    private static bool IsAlive(int processId)
    {
        try
        {
            using var process = Process.GetProcessById(processId);
            return !process.HasExited;
        }
        catch (ArgumentException)
        {
            return false;
        }
    }
}
