using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;

namespace WhatsAppMesh.Ingest;

/// <summary>Knows the stage changes of CRMs by their stage alone, also those that were stored before (ADR 0031).</summary>
[DbContext(typeof(LakeSchema))]
[Migration("0009_stage_hashes")]
internal sealed class M0009_StageHashes : Migration
{
    /// <inheritdoc/>
    protected override void Up(MigrationBuilder migrationBuilder) => migrationBuilder.Sql(
        """
        -- The hash of StageHash. Of several bodies with one stage the first gets it, the others keep theirs.
        update seen s set body_hash = n.body_hash
        from (
            select distinct on (tenant, event_id, stage) tenant, event_id, revision,
                   encode(substr(sha256(
                       'lead.stage_changed'::bytea || '\x00'::bytea || 'stage'::bytea || '\x00'::bytea || convert_to(stage, 'UTF8')), 1, 16), 'hex')::uuid
                       as body_hash
            from (
                select tenant, event_id, revision, btrim(lake_jsonb(payload) -> 'body' ->> 'stage_id') as stage
                from whatsapp_events where type = 'lead.stage_changed' and source like 'crm:%') e
            where stage <> ''
            order by tenant, event_id, stage, revision) n
        where s.tenant = n.tenant and s.event_id = n.event_id and s.revision = n.revision;
        """);

    /// <inheritdoc/>
    protected override void Down(MigrationBuilder migrationBuilder)
    {
        // The older hashes cannot be had back, and nothing depends on them: an older version stores such a retry as a revision, as it did.
    }
}
