using Npgsql;
using WhatsAppMesh.Hosting;

namespace WhatsAppMesh.Migrations;

/// <summary>A service's way into its database.</summary>
public static class ServiceDatabase
{
    // Prepared once a connection, while the tables may still be empty, and right at ten million rows all the same: one generic plan, in which
    // each look-up uses its index because nothing else is allowed, not because an estimate says so.
    private const string HotOptions =
        "-c enable_seqscan=off -c enable_hashjoin=off -c enable_mergejoin=off -c enable_material=off -c plan_cache_mode=force_generic_plan";
    private const int HotStatements = 32;
    private const int MostSessions = 8;

    /// <summary>Opens nothing yet; every session it will open has <see cref="DatabaseSessions.Options"/>.</summary>
    /// <param name="connectionString">The service's database.</param>
    /// <param name="name">What metrics and traces call it.</param>
    /// <exception cref="ArgumentException">The connection string is malformed.</exception>
    public static NpgsqlDataSource Open(string connectionString, string name) =>
        DatabaseSessions.Open(With(connectionString, DatabaseSessions.Options), name);

    /// <summary>The same for a few statements that run all the time and look rows up by index: they are prepared by themselves.</summary>
    /// <param name="connectionString">The service's database.</param>
    /// <param name="name">What metrics and traces call it.</param>
    /// <exception cref="ArgumentException">The connection string is malformed.</exception>
    public static NpgsqlDataSource OpenHot(string connectionString, string name)
    {
        var settings = With(connectionString, $"{DatabaseSessions.Options} {HotOptions}");
        (settings.MaxAutoPrepare, settings.AutoPrepareMinUsages, settings.MaxPoolSize) = (HotStatements, 2, Math.Min(settings.MaxPoolSize, MostSessions));
        settings.MinPoolSize = Math.Min(settings.MinPoolSize, MostSessions);
        return DatabaseSessions.Open(settings, name);
    }

    private static NpgsqlConnectionStringBuilder With(string connectionString, string options)
    {
        var settings = new NpgsqlConnectionStringBuilder(connectionString);
        settings.Options = $"{settings.Options} {options}".Trim();
        return settings;
    }
}
