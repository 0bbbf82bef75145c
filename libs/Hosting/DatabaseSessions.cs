using Npgsql;

namespace WhatsAppMesh.Hosting;

/// <summary>What every session of a service at PostgreSQL is opened with.</summary>
public static class DatabaseSessions
{
    /// <summary>
    /// Options of the connection. Without them a lock outlives its holder: a server believes for hours in a client whose host is gone, and
    /// for ever in one that is paused within a transaction. So a transaction in which nothing happens for 30 s is ended, and a silent peer is
    /// given up after about 11 s. And no compiling of statements: on young tables the planner's guesses make it compile what takes a millisecond.
    /// </summary>
    public const string Options =
        "-c idle_in_transaction_session_timeout=30s -c tcp_keepalives_idle=5 -c tcp_keepalives_interval=2 -c tcp_keepalives_count=3 -c tcp_user_timeout=11s -c jit=off";

    /// <summary>
    /// Opens nothing yet. Here a data source gets its name: without one every metric and every trace of it carries the whole connection string.
    /// </summary>
    /// <param name="settings">How it connects.</param>
    /// <param name="name">What metrics and traces call it, the label <c>db_client_connection_pool_name</c>: a fixed word.</param>
    /// <exception cref="ArgumentException">The settings are malformed.</exception>
    public static NpgsqlDataSource Open(NpgsqlConnectionStringBuilder settings, string name)
    {
        ArgumentNullException.ThrowIfNull(settings);
        return new NpgsqlDataSourceBuilder(settings.ConnectionString) { Name = name }.Build();
    }
}
