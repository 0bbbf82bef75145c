using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;

namespace WhatsAppMesh.Ingest;

/// <summary>Finds the newest copy of an observation.</summary>
[DbContext(typeof(LakeSchema))]
[Migration("0007_observations")]
internal sealed class M0007_Observations : Migration
{
    /// <inheritdoc/>
    protected override void Up(MigrationBuilder migrationBuilder) => migrationBuilder.Sql(
        """
        -- Of an observation: hash of its body alone, and when this copy of it was received.
        alter table seen add column observation uuid, add column received_at timestamptz;
        create index seen_observations on seen (tenant, event_id, observation, received_at desc) where observation is not null;
        """);

    /// <inheritdoc/>
    protected override void Down(MigrationBuilder migrationBuilder) => migrationBuilder.Sql(
        "alter table seen drop column observation, drop column received_at;");
}
