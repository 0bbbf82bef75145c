using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Diagnostics;

namespace WhatsAppMesh.Ingest;

/// <summary>
/// The context that EF Core's migrator needs to run the numbered migrations. It has no model on purpose: every statement of this service
/// is SQL, the migrations are written by hand, and there is no design-time package to make snapshots with. So the check for pending model
/// changes says nothing here and is off.
/// </summary>
internal sealed class LakeSchema(DbContextOptions<LakeSchema> options) : DbContext(options)
{
    /// <summary>A context on a database, for migrating only.</summary>
    public static LakeSchema On(string connectionString) => new(new DbContextOptionsBuilder<LakeSchema>()
        .UseNpgsql(connectionString, static npgsql => npgsql.CommandTimeout(300).ConfigureDataSource(static source => source.Name = "schema"))
        .ConfigureWarnings(warnings => warnings.Ignore(RelationalEventId.PendingModelChangesWarning))
        .Options);
}
