using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;

namespace WhatsAppMesh.Ingest;

/// <summary>Tells what retention has dropped from what it is about to drop.</summary>
[DbContext(typeof(LakeSchema))]
[Migration("0006_retired_notes")]
internal sealed class M0006_RetiredNotes : Migration
{
    /// <inheritdoc/>
    protected override void Up(MigrationBuilder migrationBuilder) => migrationBuilder.Sql(
        """
        -- Events decided on: set while the partition is on its way out, null before and after.
        alter table retired_partitions add column decided bigint;
        update retired_partitions set decided = events, events = 0 where dropped_at is null;
        """);

    /// <inheritdoc/>
    protected override void Down(MigrationBuilder migrationBuilder) => migrationBuilder.Sql("alter table retired_partitions drop column decided;");
}
