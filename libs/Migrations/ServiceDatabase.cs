using Npgsql;
using WhatsAppMesh.Hosting;

namespace WhatsAppMesh.Migrations;

/// <summary>A service's way into its database.</summary>
public static class ServiceDatabase
{
    /// <summary>Opens nothing yet; every session it will open has <see cref="DatabaseSessions.Options"/>.</summary>
    /// <exception cref="ArgumentException">The connection string is malformed.</exception>
    public static NpgsqlDataSource Open(string connectionString)
    {
        var settings = new NpgsqlConnectionStringBuilder(connectionString);
        settings.Options = $"{settings.Options} {DatabaseSessions.Options}".Trim();
        return NpgsqlDataSource.Create(settings);
    }
}
