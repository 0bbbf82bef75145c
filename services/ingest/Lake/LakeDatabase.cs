using Microsoft.EntityFrameworkCore;
using Npgsql;
using WhatsAppMesh.Hosting;

namespace WhatsAppMesh.Ingest;

/// <summary>The ways into this service's database, each with the settings its work needs, and the schema.</summary>
internal sealed partial class LakeDatabase : IServiceSchema, IAsyncDisposable
{
    /// <summary>
    /// Session settings of the hot statements. They are prepared once, while the tables are still empty, and must stay right at ten
    /// million rows: so one generic plan, in which every look-up uses its index. Fixed by <c>enable_seqscan</c>, not left to estimates.
    /// </summary>
    private const string HotSettings = "-c enable_seqscan=off -c plan_cache_mode=force_generic_plan -c work_mem=64MB -c lock_timeout=2000";

    private readonly string _connectionString;
    private readonly IConfiguration _configuration;
    private readonly ILogger _logger;
    private readonly SemaphoreSlim _migrating = new(1);
    private bool _migrated;

    /// <summary>Opens nothing yet.</summary>
    /// <exception cref="ArgumentException">The connection string is malformed.</exception>
    public LakeDatabase(string connectionString, IConfiguration configuration, ILogger<LakeDatabase> logger)
    {
        (_connectionString, _configuration, _logger) = (connectionString, configuration, logger);
        Hot = Build("ingest.hot", HotSettings, connection => connection.MaxPoolSize = 4);
        // What a publisher loses of its watermark in a crash it publishes again: no commit of its waits for the disk.
        Session = Build("ingest.session", HotSettings + " -c synchronous_commit=off", connection => connection.Pooling = false);
        Queries = Build("ingest", "", connection => connection.MaxPoolSize = Math.Min(connection.MaxPoolSize, 8));
    }

    /// <summary>For appends and what they wait for, and for readiness: no reader can use these connections up.</summary>
    public NpgsqlDataSource Hot { get; }

    /// <summary>For connections whose session means something (advisory lock, LISTEN): closing one closes it at the server.</summary>
    public NpgsqlDataSource Session { get; }

    /// <summary>For everything else.</summary>
    public NpgsqlDataSource Queries { get; }

    /// <summary>Brings the schema up to date or, where a job does that, sees that it is; once per process.</summary>
    /// <exception cref="NpgsqlException">The database cannot be reached.</exception>
    /// <exception cref="SchemaBehindException">The job has not run.</exception>
    public async Task EnsureSchemaAsync(CancellationToken cancellationToken)
    {
        if (Volatile.Read(ref _migrated))
            return;
        await _migrating.WaitAsync(cancellationToken);
        try
        {
            if (_migrated)
                return;
            await this.PrepareAsync(_configuration, cancellationToken);
            await WarnWithoutReaderAsync(cancellationToken);
            // Before anything is accepted: what comes in for a minimised tenant is never to be seen as it is.
            await MinimisedEvents.DeclareAsync(Queries, MinimisationSettings.Read(_configuration, static sentence => throw new InvalidOperationException(sentence)), cancellationToken);
            Volatile.Write(ref _migrated, true);
        }
        finally
        {
            _migrating.Release();
        }
    }

    /// <inheritdoc/>
    public async Task<IReadOnlyList<string>> PendingAsync(CancellationToken cancellationToken)
    {
        await using var schema = LakeSchema.On(_connectionString);
        return [.. await schema.Database.GetPendingMigrationsAsync(cancellationToken)];
    }

    /// <inheritdoc/>
    public async Task MigrateAsync(CancellationToken cancellationToken)
    {
        // The migrator's own lock is a table that the first migration makes: replicas that meet an empty database race past it.
        await using var turn = await Session.OpenConnectionAsync(cancellationToken);
        await using var take = new NpgsqlCommand($"set lock_timeout = '60s'; select pg_advisory_lock({LockKeys.Schema})", turn);
        await take.ExecuteNonQueryAsync(cancellationToken);
        await using var schema = LakeSchema.On(_connectionString);
        if (!(await schema.Database.GetPendingMigrationsAsync(cancellationToken)).Any())
            return;
        await schema.Database.MigrateAsync(cancellationToken);
        // Without statistics the planner guesses, and guesses badly, until autovacuum comes by.
        await using var analyze = Queries.CreateCommand("analyze tenants, logs, head, published, seen, whatsapp_events");
        await analyze.ExecuteNonQueryAsync(cancellationToken);
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await Hot.DisposeAsync();
        await Session.DisposeAsync();
        await Queries.DisposeAsync();
        _migrating.Dispose();
    }

    private async Task WarnWithoutReaderAsync(CancellationToken cancellationToken)
    {
        await using var command = Queries.CreateCommand(
            "select case when to_regrole('lake_reader') is null then false else has_table_privilege('lake_reader', 'lake_events', 'select') end");
        if (await command.ExecuteScalarAsync(cancellationToken) is not true)
            Log.NoReader(_logger);
    }

    private NpgsqlDataSource Build(string name, string settings, Action<NpgsqlConnectionStringBuilder> change)
    {
        var connection = new NpgsqlConnectionStringBuilder(_connectionString) { CommandTimeout = 15 };
        connection.Options = $"{connection.Options} {DatabaseSessions.Options} {settings}".Trim();
        change(connection);
        return DatabaseSessions.Open(connection, name);
    }

    private static partial class Log
    {
        [LoggerMessage(2012, LogLevel.Warning, "The role lake_reader is missing or may not read lake_events: this service's user may not make roles, so an administrator does (docs/lake.md)")]
        public static partial void NoReader(ILogger logger);
    }
}

/// <summary>Keys of the advisory locks in this service's database.</summary>
internal static class LockKeys
{
    /// <summary>Held while the schema is brought up to date.</summary>
    public const long Schema = 778155300;

    /// <summary>Held while the log to write to is decided.</summary>
    public const long Log = 778155301;

    /// <summary>Held while a partition is made.</summary>
    public const long Partitions = 778155302;

    /// <summary>Held, for as long as its session lasts, by the replica that publishes.</summary>
    public const long Publisher = 778155303;

    /// <summary>Held by the replica that drops what is too old.</summary>
    public const long Retention = 778155304;
}
