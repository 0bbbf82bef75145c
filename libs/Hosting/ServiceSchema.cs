using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace WhatsAppMesh.Hosting;

/// <summary>A service's database schema: numbered migrations that one process at a time brings up to date.</summary>
public interface IServiceSchema
{
    /// <summary>Names of the migrations that the database lacks; empty when it is up to date, or ahead of this release.</summary>
    Task<IReadOnlyList<string>> PendingAsync(CancellationToken cancellationToken);

    /// <summary>Runs them. Replicas that start together take turns.</summary>
    Task MigrateAsync(CancellationToken cancellationToken);
}

/// <summary>Who migrates: the service itself when it starts (the default), or a job that runs before it.</summary>
public static partial class SchemaStart
{
    /// <summary>Setting: false leaves the migrations to <c>migrate</c> jobs. Default true.</summary>
    public const string MigrateAtStart = "Database:MigrateAtStart";

    // The first argument that makes a service run its migrations and end.
    private const string MigrateMode = "migrate";

    /// <summary>Runs the service or, when its first argument is <c>migrate</c>, its migrations alone: exit code 0 once the schema is up to date, else 1.</summary>
    public static async Task<int> RunServiceAsync(this WebApplication app, string[] args)
    {
        if (args.FirstOrDefault() == MigrateMode)
            return await MigrateAloneAsync(app).ConfigureAwait(false);
        await app.RunAsync().ConfigureAwait(false);
        return 0;
    }

    /// <summary>Brings the schema up to date at the service's start, or demands that a job has done so.</summary>
    /// <exception cref="SchemaBehindException">Migrating is left to a job, and the database lacks migrations.</exception>
    public static async Task PrepareAsync(this IServiceSchema schema, IConfiguration configuration, CancellationToken cancellationToken)
    {
        if (configuration.GetValue(MigrateAtStart, defaultValue: true))
            await schema.MigrateAsync(cancellationToken).ConfigureAwait(false);
        else if (await schema.PendingAsync(cancellationToken).ConfigureAwait(false) is { Count: > 0 } pending)
            throw new SchemaBehindException(pending);
    }

    private static async Task<int> MigrateAloneAsync(WebApplication app)
    {
        var logger = app.Services.GetRequiredService<ILoggerFactory>().CreateLogger(typeof(SchemaStart));
        try
        {
            if (app.Services.GetService<IServiceSchema>() is { } schema)
                await schema.MigrateAsync(app.Lifetime.ApplicationStopping).ConfigureAwait(false);
            Log.UpToDate(logger);
            return 0;
        }
        catch (Exception exception)
        {
            Log.MigrationFailed(logger, exception.GetType().Name, exception.Message);
            return 1;
        }
        finally
        {
            await app.DisposeAsync().ConfigureAwait(false);
        }
    }

    private static partial class Log
    {
        [LoggerMessage(9010, LogLevel.Information, "The schema is up to date")]
        public static partial void UpToDate(ILogger logger);

        [LoggerMessage(9011, LogLevel.Error, "The schema could not be brought up to date ({Error}: {Reason})")]
        public static partial void MigrationFailed(ILogger logger, string error, string reason);
    }
}

/// <summary>The database lacks migrations, and this process is not to run them.</summary>
public sealed class SchemaBehindException(IReadOnlyList<string> pending) : Exception(
    $"The database lacks {string.Join(", ", pending)}: run this service with the argument 'migrate' first, or set {SchemaStart.MigrateAtStart} to true.");
