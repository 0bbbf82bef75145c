using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;
using WhatsAppMesh.Deliveries;

namespace WhatsAppMesh.Dispatch.Schema;

/// <summary>Discards of the deliveries, and what their retention needs.</summary>
[DbContext(typeof(DispatchContext))]
[Migration("0003_discards")]
public sealed class M0003Discards : Migration
{
    /// <inheritdoc/>
    protected override void Up(MigrationBuilder migrationBuilder) => migrationBuilder.Sql(DeliveriesSchema.Version2);
}
