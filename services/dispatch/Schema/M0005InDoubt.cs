using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;

namespace WhatsAppMesh.Dispatch.Schema;

/// <summary>Jobs in doubt are counted every few seconds, and are few.</summary>
[DbContext(typeof(DispatchContext))]
[Migration("0005_in_doubt")]
public sealed class M0005InDoubt : Migration
{
    /// <inheritdoc/>
    protected override void Up(MigrationBuilder migrationBuilder) => migrationBuilder.Sql("create index jobs_in_doubt on jobs (id) where status = 'in_doubt'");
}
