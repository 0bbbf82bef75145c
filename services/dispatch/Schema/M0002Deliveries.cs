using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;
using WhatsAppMesh.Deliveries;

namespace WhatsAppMesh.Dispatch.Schema;

/// <summary>The tables of the deliveries, in their own schema.</summary>
[DbContext(typeof(DispatchContext))]
[Migration("0002_deliveries")]
public sealed class M0002Deliveries : Migration
{
    /// <inheritdoc/>
    protected override void Up(MigrationBuilder migrationBuilder) => migrationBuilder.Sql(DeliveriesSchema.Version1);
}
