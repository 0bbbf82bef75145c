using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;

namespace WhatsAppMesh.Ingest;

/// <summary>Lake, log and dedup keys.</summary>
[DbContext(typeof(LakeSchema))]
[Migration("0001_lake")]
internal sealed class M0001_Lake : Migration
{
    /// <inheritdoc/>
    protected override void Up(MigrationBuilder migrationBuilder) => migrationBuilder.Sql(
        """
        create table tenants (
            id   int generated always as identity primary key,
            name text not null unique
        );

        -- One row per log. A database that was restored or failed over is another one: its log begins anew.
        create table logs (
            log               int primary key,
            system_identifier text not null,
            timeline          text not null,
            started_at        timestamptz not null default now()
        );

        -- The newest position of each log. Its row lock makes appends serial. Updated with every commit: room for HOT updates.
        create table head (
            log      int primary key references logs,
            position bigint not null
        ) with (fillfactor = 20);

        -- Positions up to here are published. Apart from head, or publishing would wait for appenders.
        create table published (
            log      int primary key references logs,
            position bigint not null
        ) with (fillfactor = 20);

        -- The dedup keys outlive the lake's partitions.
        create table seen (
            event_id  uuid not null,
            body_hash uuid not null,
            position  bigint not null,
            tenant    int not null,
            log       int not null,
            revision  int not null
        );

        -- Newest body of an id. Made before the key: of two indexes that seem equally good the planner takes the older one last,
        -- and a look-up of one body must never read all bodies of its id.
        create index seen_newest on seen (tenant, event_id, revision desc);
        alter table seen add primary key (tenant, event_id, body_hash);

        create table whatsapp_events (
            position           bigint not null,
            received_at        timestamptz not null,
            occurred_at        timestamptz not null,
            id                 uuid not null,
            event_id           uuid not null,
            log                int not null,
            tenant             int not null,
            revision           int not null,
            source             text not null,
            type               text not null,
            chat_jid           text,
            participant_jid    text,
            participant_alt    text,
            occurred_at_source text not null,
            traceparent        text,
            payload            text not null,
            primary key (log, position, received_at)
        ) partition by range (received_at);

        create index whatsapp_events_tenant on whatsapp_events (tenant, log, position);
        create index whatsapp_events_chat on whatsapp_events (tenant, chat_jid, occurred_at);
        create index whatsapp_events_type on whatsapp_events (tenant, type, occurred_at);
        create index whatsapp_events_received on whatsapp_events using brin (received_at);

        comment on table whatsapp_events is 'Every event as it came in, append-only, partitioned by month of received_at.';
        comment on column whatsapp_events.position is 'Dense position in its log: 1, 2, 3 ... in commit order.';
        comment on column whatsapp_events.event_id is 'Id the source gave; not unique: see revision.';
        comment on column whatsapp_events.revision is '0 for the first body under an event id, 1 for the next different one ...';
        comment on column whatsapp_events.occurred_at is 'When it happened according to occurred_at_source; received_at when that says so.';
        comment on column whatsapp_events.payload is 'JSON text as sent, without NUL and invalid UTF-8. As jsonb: view lake_events.';
        """);

    /// <inheritdoc/>
    protected override void Down(MigrationBuilder migrationBuilder) => migrationBuilder.Sql(
        "drop table whatsapp_events, seen, published, head, logs, tenants;");
}
