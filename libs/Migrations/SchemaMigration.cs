using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Diagnostics;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Npgsql;
using WhatsAppMesh.Hosting;

namespace WhatsAppMesh.Migrations;

/// <summary>
/// Brings a service's database to the newest schema before anything else starts, or waits until a job has. Replicas that start together
/// take turns. Waits for a database that is not there yet; a migration that fails ends the process.
/// </summary>
/// <param name="connectionString">The service's database.</param>
/// <param name="open">Makes the context whose numbered migrations are run.</param>
public sealed partial class SchemaMigration(
    string connectionString, Func<string, DbContext> open, IConfiguration configuration, TimeProvider time, ILogger<SchemaMigration> logger)
    : IHostedService, IServiceSchema
{
    // Any number, as long as nothing else in a service's database locks it.
    private const long SchemaLock = 778155401;

    // What metrics and traces call these sessions.
    private const string Name = "schema";

    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    /// <inheritdoc/>
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            try
            {
                await this.PrepareAsync(configuration, cancellationToken);
                return;
            }
            catch (SchemaBehindException exception)
            {
                Log.SchemaBehind(logger, exception.Message);
                await Task.Delay(Pause, time, cancellationToken);
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

    /// <inheritdoc/>
    public async Task<IReadOnlyList<string>> PendingAsync(CancellationToken cancellationToken)
    {
        await using var context = open(connectionString);
        return [.. await context.Database.GetPendingMigrationsAsync(cancellationToken)];
    }

    /// <inheritdoc/>
    public Task MigrateAsync(CancellationToken cancellationToken) => RunAsync(connectionString, open, cancellationToken);

    /// <summary>Runs the migrations that the database lacks, then lets the planner know its tables.</summary>
    /// <exception cref="NpgsqlException">The database cannot be reached, or refuses a migration.</exception>
    public static async Task RunAsync(string connectionString, Func<string, DbContext> open, CancellationToken cancellationToken)
    {
        // The migrator's own lock is a table that the first migration makes: replicas that meet an empty database race past it.
        await using var sessions = DatabaseSessions.Open(new NpgsqlConnectionStringBuilder(connectionString) { Pooling = false }, Name);
        await using var turn = await sessions.OpenConnectionAsync(cancellationToken);
        await using var take = new NpgsqlCommand($"select pg_advisory_lock({SchemaLock})", turn) { CommandTimeout = 600 };
        await take.ExecuteNonQueryAsync(cancellationToken);
        await using var context = open(connectionString);
        if (!(await context.Database.GetPendingMigrationsAsync(cancellationToken)).Any())
            return;
        await context.Database.MigrateAsync(cancellationToken);
        await context.Database.ExecuteSqlRawAsync("analyze", cancellationToken);
    }

    /// <summary>Options of a context that has migrations and no entities: SQL written by hand says what the schema is.</summary>
    public static void Configure(DbContextOptionsBuilder builder, string connectionString) => builder
        .UseNpgsql(connectionString, static npgsql => npgsql
            .MigrationsHistoryTable("schema_migrations").CommandTimeout(600).ConfigureDataSource(static source => source.Name = Name))
        // There is no model to compare with.
        .ConfigureWarnings(static warnings => warnings.Ignore(RelationalEventId.PendingModelChangesWarning));

    private static partial class Log
    {
        [LoggerMessage(9101, LogLevel.Warning, "The database does not answer ({Error}); trying again")]
        public static partial void DatabaseAbsent(ILogger logger, string error);

        [LoggerMessage(9102, LogLevel.Warning, "{Reason} Waiting")]
        public static partial void SchemaBehind(ILogger logger, string reason);
    }
}

/// <summary>Registers a service's schema.</summary>
public static class SchemaMigrationRegistration
{
    /// <summary>Prepares the schema when the service starts, before the hosted services that are registered after this.</summary>
    /// <param name="services">The service's.</param>
    /// <param name="connectionString">The service's database.</param>
    /// <param name="open">Makes the context whose numbered migrations are run.</param>
    public static IServiceCollection AddSchemaMigration(this IServiceCollection services, string connectionString, Func<string, DbContext> open)
    {
        services.AddSingleton(provider => ActivatorUtilities.CreateInstance<SchemaMigration>(provider, connectionString, open));
        services.AddSingleton<IServiceSchema>(static provider => provider.GetRequiredService<SchemaMigration>());
        services.AddHostedService(static provider => provider.GetRequiredService<SchemaMigration>());
        return services;
    }
}
