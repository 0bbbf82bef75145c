using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Diagnostics;

namespace WhatsAppMesh.Membership.Schema;

/// <summary>
/// Runs the numbered migrations of this folder. They are SQL written by hand; the tables are read and written by set-based statements,
/// so the context has no entities.
/// </summary>
public sealed class MembershipContext(string connectionString) : DbContext
{
    /// <inheritdoc/>
    protected override void OnConfiguring(DbContextOptionsBuilder optionsBuilder) => optionsBuilder
        .UseNpgsql(connectionString, npgsql => npgsql.MigrationsHistoryTable("schema_migrations").CommandTimeout(600))
        // There is no model to compare with: SQL alone says what the schema is.
        .ConfigureWarnings(static warnings => warnings.Ignore(RelationalEventId.PendingModelChangesWarning));
}
