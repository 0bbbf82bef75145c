using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;

namespace WhatsAppMesh.Membership.Schema;

/// <summary>The tables of the deliveries, in their own schema.</summary>
[DbContext(typeof(MembershipContext))]
[Migration("0002_deliveries")]
public sealed class M0002Deliveries : Migration
{
    /// <inheritdoc/>
    protected override void Up(MigrationBuilder migrationBuilder) => migrationBuilder.Sql(DeliveriesSchema.Version1);
}
