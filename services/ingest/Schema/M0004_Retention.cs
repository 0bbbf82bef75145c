using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;

namespace WhatsAppMesh.Ingest;

/// <summary>What retention has taken out of the lake.</summary>
[DbContext(typeof(LakeSchema))]
[Migration("0004_retention")]
internal sealed class M0004_Retention : Migration
{
    /// <inheritdoc/>
    protected override void Up(MigrationBuilder migrationBuilder) => migrationBuilder.Sql(
        """
        -- Written before a partition is detached: a crash leaves a table that is known to be on its way out.
        create table retired_partitions (
            name           text primary key,
            received_from  timestamptz not null,
            received_until timestamptz not null,
            events         bigint not null,
            decided_at     timestamptz not null default now(),
            dropped_at     timestamptz
        );
        """);

    /// <inheritdoc/>
    protected override void Down(MigrationBuilder migrationBuilder) => migrationBuilder.Sql("drop table retired_partitions;");
}
