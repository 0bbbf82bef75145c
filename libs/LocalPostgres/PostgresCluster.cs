using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using Npgsql;

namespace WhatsAppMesh.LocalPostgres;

/// <summary>How a private cluster is set up.</summary>
public sealed record PostgresClusterOptions
{
    /// <summary>TCP port on 127.0.0.1; 0 takes a free one. Default 0.</summary>
    public int Port { get; init; }

    /// <summary>Lines for postgresql.conf beside the defaults. Later lines win.</summary>
    public IReadOnlyDictionary<string, string> Settings { get; init; } = new Dictionary<string, string>();
}

/// <summary>A private PostgreSQL cluster in a folder of its own: loopback only, password authentication, our settings.</summary>
public sealed class PostgresCluster : IAsyncDisposable
{
    // Settings every cluster gets. JIT costs hot statements 10 to 1,000 times their run time on short queries; lz4 halves WAL and TOAST.
    private static readonly Dictionary<string, string> Defaults = new()
    {
        ["jit"] = "off",
        ["wal_compression"] = "lz4",
        ["default_toast_compression"] = "lz4",
        ["max_connections"] = "200",
        ["listen_addresses"] = "'127.0.0.1'",
        ["unix_socket_directories"] = "''",
        ["timezone"] = "'UTC'",
        ["log_timezone"] = "'UTC'",
        ["password_encryption"] = "'scram-sha-256'",
    };

    private readonly PostgresBinaries _binaries;
    private readonly string _password;

    private PostgresCluster(PostgresBinaries binaries, string directory, int port, string password)
    {
        _binaries = binaries;
        _password = password;
        DataDirectory = directory;
        Port = port;
    }

    /// <summary>The cluster's data directory.</summary>
    public string DataDirectory { get; }

    /// <summary>TCP port on 127.0.0.1.</summary>
    public int Port { get; }

    /// <summary>The server's own log.</summary>
    public string LogFile => DataDirectory + ".log";

    /// <summary>Process id of the server, as its pid file has it; null when it has none. The process may be gone: a crash leaves the file.</summary>
    public int? ProcessId
    {
        get
        {
            try
            {
                using var file = File.OpenText(Path.Combine(DataDirectory, "postmaster.pid"));
                return int.TryParse(file.ReadLine(), CultureInfo.InvariantCulture, out var pid) ? pid : null;
            }
            catch (Exception exception) when (exception is FileNotFoundException or DirectoryNotFoundException)
            {
                return null;
            }
        }
    }

    /// <summary>Connection string of a database, as superuser.</summary>
    public string ConnectionString(string database) => new NpgsqlConnectionStringBuilder
    {
        Host = "127.0.0.1",
        Port = Port,
        Username = "mesh",
        Password = _password,
        Database = database,
        MaxPoolSize = 8,
        Timeout = 5,
        IncludeErrorDetail = false,
    }.ConnectionString;

    /// <summary>Starts the cluster of a folder, after making it when the folder is empty or absent.</summary>
    /// <exception cref="PostgresUnavailableException">It cannot start; the message says why and names the log.</exception>
    public static async Task<PostgresCluster> StartAsync(
        PostgresBinaries binaries, string directory, PostgresClusterOptions? options = null, CancellationToken cancellationToken = default)
    {
        options ??= new PostgresClusterOptions();
        directory = Path.GetFullPath(directory);
        var passwordFile = directory + ".password";
        if (!File.Exists(Path.Combine(directory, "PG_VERSION")))
            await InitializeAsync(binaries, directory, passwordFile, cancellationToken).ConfigureAwait(false);

        var password = (await File.ReadAllTextAsync(passwordFile, cancellationToken).ConfigureAwait(false)).Trim();
        var port = options.Port == 0 ? FreePort() : options.Port;
        var cluster = new PostgresCluster(binaries, directory, port, password);
        await cluster.WriteSettingsAsync(options.Settings, cancellationToken).ConfigureAwait(false);
        await cluster.StartServerAsync(cancellationToken).ConfigureAwait(false);
        return cluster;
    }

    /// <summary>Starts the server again after <see cref="StopAsync"/> or a crash, on the same port.</summary>
    /// <exception cref="PostgresUnavailableException">It cannot start; the message names the log.</exception>
    public async Task StartServerAsync(CancellationToken cancellationToken = default)
    {
        try
        {
            await ServerProgram.RunAsync(
                _binaries["pg_ctl"], ["start", "-D", DataDirectory, "-l", LogFile, "-w", "-t", "60"], asServerUser: true, null, cancellationToken).ConfigureAwait(false);
        }
        catch (PostgresUnavailableException exception)
        {
            throw new PostgresUnavailableException($"PostgreSQL did not start on port {Port}; see {LogFile}.", exception);
        }
    }

    /// <summary>Creates a database unless it exists.</summary>
    public async Task CreateDatabaseAsync(string name, CancellationToken cancellationToken = default)
    {
        await using var connection = new NpgsqlConnection(ConnectionString("postgres"));
        await connection.OpenAsync(cancellationToken).ConfigureAwait(false);
        await using var exists = new NpgsqlCommand("select 1 from pg_database where datname = $1", connection) { Parameters = { new() { Value = name } } };
        if (await exists.ExecuteScalarAsync(cancellationToken).ConfigureAwait(false) is not null)
            return;

        await using var create = new NpgsqlCommand($"create database \"{name.Replace("\"", "\"\"", StringComparison.Ordinal)}\"", connection);
        await create.ExecuteNonQueryAsync(cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Stops the server: "fast" ends sessions and writes a checkpoint, "immediate" is a crash.</summary>
    public Task StopAsync(string mode = "fast", CancellationToken cancellationToken = default) => StopServerAsync(_binaries, DataDirectory, mode, cancellationToken);

    /// <summary>Stops the server of a data directory that another process may have started; does nothing when it does not run.</summary>
    public static async Task StopServerAsync(PostgresBinaries binaries, string directory, string mode, CancellationToken cancellationToken = default)
    {
        if (File.Exists(Path.Combine(directory, "postmaster.pid")))
            await ServerProgram.RunAsync(binaries["pg_ctl"], ["stop", "-D", directory, "-m", mode, "-w", "-t", "60"], asServerUser: true, null, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Stops the server and deletes a folder around it, from a process that outlives this one: a test host gets no time to wait.</summary>
    internal void Abandon(string folder)
    {
        // SIGQUIT to the postmaster is an immediate shutdown; its number is the first line of its pid file.
        var start = new ProcessStartInfo("/bin/sh") { WorkingDirectory = "/" };
        foreach (var argument in (string[])["-c", "kill -QUIT $(head -n 1 \"$1/postmaster.pid\"); while [ -e \"$1/postmaster.pid\" ]; do sleep 0.1; done; rm -rf \"$2\"", "sh", DataDirectory, folder])
            start.ArgumentList.Add(argument);
        Process.Start(start)?.Dispose();
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync() => await StopAsync().ConfigureAwait(false);

    private static async Task InitializeAsync(PostgresBinaries binaries, string directory, string passwordFile, CancellationToken cancellationToken)
    {
        Directory.CreateDirectory(directory);
        await File.WriteAllTextAsync(passwordFile, RandomNumberGenerator.GetHexString(32, lowercase: true), cancellationToken).ConfigureAwait(false);
        if (!OperatingSystem.IsWindows())
            File.SetUnixFileMode(passwordFile, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        await File.WriteAllTextAsync(directory + ".log", "", cancellationToken).ConfigureAwait(false);
        await ServerProgram.OwnAsync(directory, cancellationToken).ConfigureAwait(false);
        await ServerProgram.OwnAsync(passwordFile, cancellationToken).ConfigureAwait(false);
        await ServerProgram.OwnAsync(directory + ".log", cancellationToken).ConfigureAwait(false);
        await ServerProgram.RunAsync(
            binaries["initdb"],
            ["-D", directory, "-U", "mesh", "--pwfile", passwordFile, "-A", "scram-sha-256", "-E", "UTF8", "--locale=C.UTF-8", "--no-instructions"],
            asServerUser: true, null, cancellationToken).ConfigureAwait(false);
    }

    private async Task WriteSettingsAsync(IReadOnlyDictionary<string, string> settings, CancellationToken cancellationToken)
    {
        var merged = new Dictionary<string, string>(Defaults) { ["port"] = Port.ToString(CultureInfo.InvariantCulture) };
        foreach (var (name, value) in settings)
            merged[name] = value;

        var file = Path.Combine(DataDirectory, "postgresql.auto.conf");
        await File.WriteAllLinesAsync(file, merged.Select(setting => $"{setting.Key} = {setting.Value}"), cancellationToken).ConfigureAwait(false);
        await ServerProgram.OwnAsync(file, cancellationToken).ConfigureAwait(false);
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
