using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;
using WhatsAppMesh.Deliveries;

namespace WhatsAppMesh.Dispatch.Schema;

/// <summary>The tenant of each discard.</summary>
[DbContext(typeof(DispatchContext))]
[Migration("0006_discard_tenants")]
public sealed class M0006DiscardTenants : Migration
{
    /// <inheritdoc/>
    protected override void Up(MigrationBuilder migrationBuilder) => migrationBuilder.Sql(DeliveriesSchema.Version3);
}
