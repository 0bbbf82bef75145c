using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;
using WhatsAppMesh.Deliveries;

namespace WhatsAppMesh.Dispatch.Schema;

/// <summary>The open dead letters for which the lake's retention waits.</summary>
[DbContext(typeof(DispatchContext))]
[Migration("0007_needs_lake")]
public sealed class M0007NeedsLake : Migration
{
    /// <inheritdoc/>
    protected override void Up(MigrationBuilder migrationBuilder) => migrationBuilder.Sql(DeliveriesSchema.Version4);
}
