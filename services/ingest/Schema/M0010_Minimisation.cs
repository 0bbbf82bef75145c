using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;

namespace WhatsAppMesh.Ingest;

/// <summary>Tenants whose people the data team does not see, and what it sees of their events instead.</summary>
[DbContext(typeof(LakeSchema))]
[Migration("0010_minimisation")]
internal sealed class M0010_Minimisation : Migration
{
    private const string Before = """
            select e.log, e.position, e.id, t.name as tenant, e.source, e.event_id, e.revision, e.type, e.chat_jid, e.participant_jid,
                   e.participant_alt, e.occurred_at, e.occurred_at_source, e.received_at, lake_jsonb(e.payload) as payload, e.imported
            from whatsapp_events e join tenants t on t.id = e.tenant
        """;

    /// <inheritdoc/>
    protected override void Up(MigrationBuilder migrationBuilder) => migrationBuilder.Sql(
        $"""
        -- A tenant with a row here is minimised. version: of the key and the rules; log, position: copies are there up to here.
        create table minimised (
            tenant   int primary key references tenants,
            version  text not null,
            log      int not null,
            position bigint not null
        );

        -- What readers see of an event of such a tenant: made by ingest, which has the key; the database never has it.
        create table minimised_events (
            log             int not null,
            position        bigint not null,
            tenant          int not null,
            received_at     timestamptz not null,
            event_id        uuid not null,
            chat_jid        text,
            participant_jid text,
            participant_alt text,
            payload         text,
            primary key (log, position)
        );
        create index minimised_events_received on minimised_events using brin (received_at);

        -- Events of a minimised tenant that have no copy yet are not there. Barriers: a function in a reader's query never meets a row before it is
        -- decided whether the reader may see it. One around the union would not do: PostgreSQL takes a union apart, barrier or not.
        create view lake_plain_events with (security_barrier) as
        {Before} where not exists (select from minimised x where x.tenant = e.tenant);

        create view lake_minimised_events with (security_barrier) as
            select e.log, e.position, e.id, t.name as tenant, e.source, m.event_id, e.revision, e.type, m.chat_jid, m.participant_jid,
                   m.participant_alt, e.occurred_at, e.occurred_at_source, e.received_at, lake_jsonb(m.payload) as payload, e.imported
            from whatsapp_events e join tenants t on t.id = e.tenant join minimised x on x.tenant = e.tenant
            join minimised_events m on m.log = e.log and m.position = e.position;

        create or replace view lake_events as select * from lake_plain_events union all select * from lake_minimised_events;
        """);

    /// <inheritdoc/>
    protected override void Down(MigrationBuilder migrationBuilder) => migrationBuilder.Sql(
        $"create or replace view lake_events as {Before}; drop view lake_plain_events, lake_minimised_events; drop table minimised_events, minimised;");
}
