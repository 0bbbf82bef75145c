using Microsoft.EntityFrameworkCore;
using WhatsAppMesh.Migrations;

namespace WhatsAppMesh.Dispatch.Schema;

/// <summary>Runs the numbered migrations of this folder. The tables are read and written by set-based statements, so there are no entities.</summary>
public sealed class DispatchContext(string connectionString) : DbContext
{
    /// <inheritdoc/>
    protected override void OnConfiguring(DbContextOptionsBuilder optionsBuilder) => SchemaMigration.Configure(optionsBuilder, connectionString);
}
