using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;

namespace WhatsAppMesh.Ingest;

/// <summary>The lake as a data team wants it: tenant by name, payload as jsonb.</summary>
[DbContext(typeof(LakeSchema))]
[Migration("0002_lake_view")]
internal sealed class M0002_LakeView : Migration
{
    /// <inheritdoc/>
    protected override void Up(MigrationBuilder migrationBuilder) => migrationBuilder.Sql(
        """
        -- Valid JSON is not always valid jsonb (1e999999, nesting): such a payload is null here and whole in the table.
        create function lake_jsonb(payload text) returns jsonb language plpgsql immutable strict as $$
        begin
            return payload::jsonb;
        exception when others then
            return null;
        end $$;

        create view lake_events as
            select e.log, e.position, e.id, t.name as tenant, e.source, e.event_id, e.revision, e.type, e.chat_jid, e.participant_jid,
                   e.participant_alt, e.occurred_at, e.occurred_at_source, e.received_at, lake_jsonb(e.payload) as payload
            from whatsapp_events e join tenants t on t.id = e.tenant;

        comment on view lake_events is 'whatsapp_events with the tenant''s name and the payload as jsonb (null where jsonb cannot hold it).';
        """);

    /// <inheritdoc/>
    protected override void Down(MigrationBuilder migrationBuilder) => migrationBuilder.Sql(
        "drop view lake_events; drop function lake_jsonb(text);");
}
