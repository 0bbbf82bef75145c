using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Diagnostics;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace WhatsAppMesh.Migrations;

/// <summary>
/// Brings a service's database to the newest schema before anything else starts. Replicas that start together take turns. Waits for a
/// database that is not there yet; a migration that fails ends the process.
/// </summary>
/// <param name="connectionString">The service's database.</param>
/// <param name="open">Makes the context whose numbered migrations are run.</param>
public sealed partial class SchemaMigration(
    string connectionString, Func<string, DbContext> open, TimeProvider time, ILogger<SchemaMigration> logger) : IHostedService
{
    // Any number, as long as nothing else in a service's database locks it.
    private const long SchemaLock = 778155401;

    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    /// <inheritdoc/>
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            try
            {
                await RunAsync(connectionString, open, cancellationToken);
                return;
            }
            catch (NpgsqlException exception) when (exception.IsTransient)
            {
                Log.DatabaseAbsent(logger, exception.GetType().Name);
                await Task.Delay(Pause, time, cancellationToken);
            }
        }
    }

    /// <inheritdoc/>
    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>Runs the migrations that the database lacks, then lets the planner know its tables.</summary>
    /// <exception cref="NpgsqlException">The database cannot be reached, or refuses a migration.</exception>
    public static async Task RunAsync(string connectionString, Func<string, DbContext> open, CancellationToken cancellationToken)
    {
        // The migrator's own lock is a table that the first migration makes: replicas that meet an empty database race past it.
        await using var turn = new NpgsqlConnection(new NpgsqlConnectionStringBuilder(connectionString) { Pooling = false }.ConnectionString);
        await turn.OpenAsync(cancellationToken);
        await using var take = new NpgsqlCommand($"select pg_advisory_lock({SchemaLock})", turn) { CommandTimeout = 600 };
        await take.ExecuteNonQueryAsync(cancellationToken);
        await using var context = open(connectionString);
        await context.Database.MigrateAsync(cancellationToken);
        await context.Database.ExecuteSqlRawAsync("analyze", cancellationToken);
    }

    /// <summary>Options of a context that has migrations and no entities: SQL written by hand says what the schema is.</summary>
    public static void Configure(DbContextOptionsBuilder builder, string connectionString) => builder
        .UseNpgsql(connectionString, static npgsql => npgsql.MigrationsHistoryTable("schema_migrations").CommandTimeout(600))
        // There is no model to compare with.
        .ConfigureWarnings(static warnings => warnings.Ignore(RelationalEventId.PendingModelChangesWarning));

    private static partial class Log
    {
        [LoggerMessage(9101, LogLevel.Warning, "The database does not answer ({Error}); trying again")]
        public static partial void DatabaseAbsent(ILogger logger, string error);
    }
}
