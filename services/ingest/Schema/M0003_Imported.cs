using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;

namespace WhatsAppMesh.Ingest;

/// <summary>Marks what came from an export.</summary>
[DbContext(typeof(LakeSchema))]
[Migration("0003_imported")]
internal sealed class M0003_Imported : Migration
{
    /// <inheritdoc/>
    protected override void Up(MigrationBuilder migrationBuilder) => migrationBuilder.Sql(
        """
        -- A constant default: no row is rewritten.
        alter table whatsapp_events add column imported boolean not null default false;
        comment on column whatsapp_events.imported is 'True when the event came from an export: nothing was started because of it.';

        create or replace view lake_events as
            select e.log, e.position, e.id, t.name as tenant, e.source, e.event_id, e.revision, e.type, e.chat_jid, e.participant_jid,
                   e.participant_alt, e.occurred_at, e.occurred_at_source, e.received_at, lake_jsonb(e.payload) as payload, e.imported
            from whatsapp_events e join tenants t on t.id = e.tenant;
        """);

    /// <inheritdoc/>
    protected override void Down(MigrationBuilder migrationBuilder) => migrationBuilder.Sql(
        """
        drop view lake_events;
        create view lake_events as
            select e.log, e.position, e.id, t.name as tenant, e.source, e.event_id, e.revision, e.type, e.chat_jid, e.participant_jid,
                   e.participant_alt, e.occurred_at, e.occurred_at_source, e.received_at, lake_jsonb(e.payload) as payload
            from whatsapp_events e join tenants t on t.id = e.tenant;
        alter table whatsapp_events drop column imported;
        """);
}
