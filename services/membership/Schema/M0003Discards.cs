using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;

namespace WhatsAppMesh.Membership.Schema;

/// <summary>Discards of the deliveries, and what their retention needs.</summary>
[DbContext(typeof(MembershipContext))]
[Migration("0003_discards")]
public sealed class M0003Discards : Migration
{
    /// <inheritdoc/>
    protected override void Up(MigrationBuilder migrationBuilder) => migrationBuilder.Sql(DeliveriesSchema.Version2);
}
