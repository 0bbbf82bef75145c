using Microsoft.EntityFrameworkCore;
using Npgsql;

namespace WhatsAppMesh.Membership.Schema;

/// <summary>
/// Brings the database to the newest schema before anything else starts. Replicas that start together take turns. Waits for a database
/// that is not there yet; a migration that fails ends the process.
/// </summary>
public sealed partial class SchemaMigration(IConfiguration configuration, TimeProvider time, ILogger<SchemaMigration> logger) : IHostedService
{
    // Any number, as long as nothing else in this database locks it.
    private const long SchemaLock = 778155401;

    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    /// <inheritdoc/>
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        var connectionString = configuration.GetConnectionString("Database")!;
        while (true)
        {
            try
            {
                await RunAsync(connectionString, cancellationToken);
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
    public static async Task RunAsync(string connectionString, CancellationToken cancellationToken)
    {
        // The migrator's own lock is a table that the first migration makes: replicas that meet an empty database race past it.
        await using var turn = new NpgsqlConnection(new NpgsqlConnectionStringBuilder(connectionString) { Pooling = false }.ConnectionString);
        await turn.OpenAsync(cancellationToken);
        await using var take = new NpgsqlCommand($"select pg_advisory_lock({SchemaLock})", turn) { CommandTimeout = 600 };
        await take.ExecuteNonQueryAsync(cancellationToken);
        await using var context = new MembershipContext(connectionString);
        await context.Database.MigrateAsync(cancellationToken);
        await context.Database.ExecuteSqlRawAsync("analyze", cancellationToken);
    }

    private static partial class Log
    {
        [LoggerMessage(3001, LogLevel.Warning, "The database does not answer ({Error}); trying again")]
        public static partial void DatabaseAbsent(ILogger logger, string error);
    }
}
