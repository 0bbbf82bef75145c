using Npgsql;
using WhatsAppMesh.GoComponents;
using WhatsAppMesh.LocalPostgres;

namespace WhatsAppMesh.Mesh.Running;

/// <summary>The databases of a mesh: one per owner, on a private cluster or on a server that was given.</summary>
public sealed class MeshDatabases : IAsyncDisposable
{
    /// <summary>Owner of the sidecars' database.</summary>
    public const string Sidecar = "sidecar";

    private static readonly Dictionary<string, string> Settings = new()
    {
        ["shared_buffers"] = "'1GB'",
        ["max_wal_size"] = "'8GB'",
    };

    private static readonly TimeSpan ServerWatch = TimeSpan.FromMilliseconds(500);

    private readonly PostgresCluster? _cluster;
    private readonly string _server;
    private readonly MeshOptions _options;
    private readonly IReadOnlyList<string> _owners;
    private ProcessIdentity? _serverProcess;

    private MeshDatabases(PostgresCluster? cluster, string server, MeshOptions options, IReadOnlyList<string> owners)
    {
        _cluster = cluster;
        _server = server;
        _options = options;
        _owners = owners;
        _serverProcess = FindServer();
    }

    /// <summary>The private cluster; null when a server was given.</summary>
    public PostgresCluster? Cluster => _cluster;

    /// <summary>The private cluster's server as it was started last; null when a server was given.</summary>
    public ProcessIdentity? ServerProcess => _serverProcess;

    /// <summary>Completes when the private cluster's server is gone; never when a server was given, which somebody else looks after.</summary>
    public async Task WaitForServerExitAsync(CancellationToken cancellationToken)
    {
        // It is no child of ours, so nobody tells.
        while (_serverProcess is not { IsAlive: false })
            await Task.Delay(ServerWatch, cancellationToken);
    }

    /// <summary>Starts the private cluster's server again after its end; it brings back what was committed. Does nothing while it runs.</summary>
    /// <exception cref="MeshException">It does not start; the message names its log.</exception>
    public async Task StartServerAgainAsync(CancellationToken cancellationToken = default)
    {
        if (_cluster is null || _serverProcess is { IsAlive: true })
            return;
        try
        {
            await _cluster.StartServerAsync(cancellationToken);
            _serverProcess = FindServer();
        }
        catch (PostgresUnavailableException e)
        {
            throw new MeshException(e.Message, ExitCodes.Failed);
        }
    }

    /// <summary>Starts the server unless one is given, and creates the databases that are missing.</summary>
    /// <exception cref="MeshException">There is no PostgreSQL to be had, or it does not start; the message says what to do.</exception>
    public static async Task<MeshDatabases> StartAsync(MeshOptions options, IReadOnlyList<string> owners, Action<string> say, CancellationToken cancellationToken)
    {
        try
        {
            var cluster = options.Postgres is null ? await StartClusterAsync(options, say, cancellationToken) : null;
            var databases = new MeshDatabases(cluster, options.Postgres ?? cluster!.ConnectionString("postgres"), options, owners);
            await databases.CreateAllAsync(cancellationToken);
            return databases;
        }
        catch (PostgresUnavailableException e)
        {
            throw new MeshException(e.Message);
        }
        catch (NpgsqlException e)
        {
            throw new MeshException($"PostgreSQL does not answer as it should: {e.Message}. Check MESH_POSTGRES, which must name a server where databases may be created.");
        }
    }

    /// <summary>Connection strings of all databases by owner.</summary>
    public IReadOnlyDictionary<string, string> ConnectionStrings => _owners.ToDictionary(owner => owner, ConnectionString);

    /// <summary>Connection string of an owner's database, with a pool that leaves room for the others.</summary>
    public string ConnectionString(string owner) => new NpgsqlConnectionStringBuilder(_server)
    {
        Database = Name(owner),
        MaxPoolSize = 8,
        ApplicationName = owner,
    }.ConnectionString;

    /// <summary>An owner's database as a component of Dapr reads it: the same settings as a URL.</summary>
    /// <exception cref="MeshException">The server was given with a setting that such a component cannot honour; the message names it.</exception>
    public string ComponentUrl(string owner)
    {
        try
        {
            return GoConnectionString.FromNpgsql(ConnectionString(owner)).Url;
        }
        catch (FormatException e)
        {
            throw new MeshException($"MESH_POSTGRES cannot be handed to a component of Dapr: {e.Message}");
        }
    }

    /// <summary>A way into an owner's database; nothing is opened yet.</summary>
    public NpgsqlDataSource Open(string owner) => new NpgsqlDataSourceBuilder(ConnectionString(owner)) { Name = owner }.Build();

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        if (_options.RemoveDataAtStop && _cluster is null)
        {
            foreach (var owner in _owners)
                await ExecuteAsync($"drop database if exists {Quoted(Name(owner))} with (force)", CancellationToken.None);
        }
        if (_cluster is not null && FindServer() is not null)
            await _cluster.StopAsync(_options.RemoveDataAtStop ? "immediate" : "fast");
        if (_options.RemoveDataAtStop && _cluster is not null)
            _options.Folder.RemoveData();
    }

    private static async Task<PostgresCluster> StartClusterAsync(MeshOptions options, Action<string> say, CancellationToken cancellationToken)
    {
        var binaries = await PostgresBinaries.FindOrInstallAsync(say, cancellationToken);
        var data = options.Folder.PostgresData;
        if (!Directory.Exists(data))
            say("making a PostgreSQL cluster");
        Directory.CreateDirectory(Path.GetDirectoryName(data)!);
        return await PostgresCluster.StartAsync(binaries, data, new PostgresClusterOptions { Port = options.PostgresPort, Settings = With(options.PostgresSettings) }, cancellationToken);
    }

    private static Dictionary<string, string> With(IReadOnlyDictionary<string, string> settings)
    {
        var merged = new Dictionary<string, string>(Settings);
        foreach (var (name, value) in settings)
            merged[name] = value;
        return merged;
    }

    private ProcessIdentity? FindServer() => _cluster?.ProcessId is { } pid ? ProcessIdentity.Of(pid) : null;

    private async Task CreateAllAsync(CancellationToken cancellationToken)
    {
        try
        {
            foreach (var owner in _owners)
                await CreateAsync(Name(owner), cancellationToken);
        }
        catch
        {
            // Nobody else would stop it.
            if (_cluster is not null)
                await _cluster.StopAsync("fast", CancellationToken.None);
            throw;
        }
    }

    private async Task CreateAsync(string name, CancellationToken cancellationToken)
    {
        try
        {
            await ExecuteAsync($"create database {Quoted(name)}", cancellationToken);
        }
        catch (PostgresException e) when (e.SqlState == PostgresErrorCodes.DuplicateDatabase)
        {
            // Kept from an earlier run.
        }
    }

    private async Task ExecuteAsync(string sql, CancellationToken cancellationToken)
    {
        await using var connection = new NpgsqlConnection(new NpgsqlConnectionStringBuilder(_server) { Pooling = false, Timeout = 30 }.ConnectionString);
        await connection.OpenAsync(cancellationToken);
        await using var command = new NpgsqlCommand(sql, connection) { CommandTimeout = 60 };
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    private string Name(string owner) => _options.DatabasePrefix + owner;

    private static string Quoted(string name) => $"\"{name.Replace("\"", "\"\"", StringComparison.Ordinal)}\"";
}
