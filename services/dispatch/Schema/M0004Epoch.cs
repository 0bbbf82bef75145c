using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;

namespace WhatsAppMesh.Dispatch.Schema;

/// <summary>A dispatch begins when its tables are made: what the lake received before starts no job.</summary>
[DbContext(typeof(DispatchContext))]
[Migration("0004_epoch")]
public sealed class M0004Epoch : Migration
{
    /// <inheritdoc/>
    protected override void Up(MigrationBuilder migrationBuilder) => migrationBuilder.Sql("insert into dispatch_epoch (started_at) values (now())");
}
