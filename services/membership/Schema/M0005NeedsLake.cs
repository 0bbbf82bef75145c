using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;

namespace WhatsAppMesh.Membership.Schema;

/// <summary>The open dead letters for which the lake's retention waits.</summary>
[DbContext(typeof(MembershipContext))]
[Migration("0005_needs_lake")]
public sealed class M0005NeedsLake : Migration
{
    /// <inheritdoc/>
    protected override void Up(MigrationBuilder migrationBuilder) => migrationBuilder.Sql(DeliveriesSchema.Version4);
}
