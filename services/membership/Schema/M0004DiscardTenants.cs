using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;

namespace WhatsAppMesh.Membership.Schema;

/// <summary>The tenant of each discard.</summary>
[DbContext(typeof(MembershipContext))]
[Migration("0004_discard_tenants")]
public sealed class M0004DiscardTenants : Migration
{
    /// <inheritdoc/>
    protected override void Up(MigrationBuilder migrationBuilder) => migrationBuilder.Sql(DeliveriesSchema.Version3);
}
