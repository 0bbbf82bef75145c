using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;

namespace WhatsAppMesh.Dispatch.Schema;

/// <summary>First version: automations, the timelines of leads, jobs and what became of them.</summary>
[DbContext(typeof(DispatchContext))]
[Migration("0001_dispatch")]
public sealed class M0001Dispatch : Migration
{
    /// <inheritdoc/>
    protected override void Up(MigrationBuilder migrationBuilder) => migrationBuilder.Sql(Automations + Leads + Jobs + Work);

    private const string Automations = """
        -- enabled_since: causes received before it start no job. version: guards against lost updates.
        create table automations (
            id            uuid primary key,
            tenant        text not null,
            name          text not null,
            enabled       boolean not null,
            trigger_kind  text not null check (trigger_kind in ('stage_changed', 'trigger_fired', 'member_joined')),
            trigger_value text not null,
            steps         jsonb not null,
            enabled_since timestamptz not null,
            version       int not null,
            created_at    timestamptz not null,
            updated_at    timestamptz not null,
            deleted_at    timestamptz
        );
        create index automations_live on automations (tenant, trigger_kind, trigger_value) where enabled and deleted_at is null;
        create index automations_page on automations (tenant, created_at desc, id desc) where deleted_at is null;

        """;

    private const string Leads = """
        -- A lead's timeline: one row per event, its newest revision. occurrence: what the jobs of a stay that begins here are called; another one
        -- when a revision moves the event to another stage. used: what to do about the stay was decided under this event.
        create table stage_events (
            tenant      text not null,
            lead_id     text not null,
            event_id    uuid not null,
            revision    int not null,
            order_at    timestamptz not null,
            log         int not null,
            position    bigint not null,
            stage_id    text not null,
            occurrence  text not null,
            received_at timestamptz not null,
            imported    boolean not null,
            used        boolean not null,
            primary key (tenant, lead_id, event_id)
        );

        -- What is known of a lead, for placeholders. facts: by field ("name", "phone", "attributes.city"), each with its value and the place
        -- in the timeline it came from, so that the newest wins whatever came first.
        create table leads (
            tenant     text not null,
            lead_id    text not null,
            stage_id   text not null,
            facts      jsonb not null,
            updated_at timestamptz not null,
            primary key (tenant, lead_id)
        );
        create index leads_updated_at on leads (updated_at);

        -- No job for an event that the lake received before dispatch began.
        create table dispatch_epoch (
            id         int primary key default 1 check (id = 1),
            started_at timestamptz not null
        );

        """;

    private const string Jobs = """
        -- key: what the job is about, opaque ids only. send_key: SHA-256 (hex) of the original job's key, the same on replay: key of the claim and Idempotency-Key.
        -- subject: whom it is for, emptied by retention. last_*: of the newest attempt. definite_refusal: the broker certainly did not send it.
        -- left_stage: cancelled because the lead left the stage; alive again when a correction shows that it never did.
        create table jobs (
            id               uuid primary key,
            tenant           text not null,
            key              text not null,
            send_key         text not null,
            kind             text not null check (kind in ('automation', 'direct')),
            automation_id    uuid,
            step_id          text,
            trigger_kind     text,
            entity           text not null,
            occurrence       text not null,
            instance_id      text not null,
            message          jsonb not null,
            subject          jsonb not null,
            status           text not null check (status in
                ('pending', 'processing', 'sent', 'failed_retryable', 'failed', 'in_doubt', 'cancelled', 'expired', 'replayed')),
            due_at           timestamptz not null,
            next_attempt_at  timestamptz not null,
            attempts         int not null default 0,
            fence            bigint not null default 0,
            cancel_requested boolean not null default false,
            left_stage       boolean not null default false,
            reserved_until   timestamptz,
            last_category    text,
            last_status      int,
            last_error       text,
            external_id      text,
            definite_refusal boolean not null default false,
            replay_of        uuid references jobs (id) on delete set null,
            last_replay_at   timestamptz,
            discarded_at     timestamptz,
            log              int,
            position         bigint,
            received_at      timestamptz,
            traceparent      text,
            created_at       timestamptz not null,
            updated_at       timestamptz not null,
            finished_at      timestamptz,
            unique (tenant, key)
        );
        -- Flat in the number of jobs already done.
        create index jobs_due on jobs (instance_id, next_attempt_at) where status = 'pending';
        create index jobs_overdue on jobs (due_at) where status = 'pending' and attempts = 0;
        create index jobs_processing on jobs (updated_at) where status = 'processing';
        create index jobs_page on jobs (tenant, created_at desc, id desc);
        create index jobs_page_by_status on jobs (tenant, status, created_at desc, id desc);
        create index jobs_entity on jobs (tenant, entity, occurrence);
        create index jobs_automation on jobs (automation_id) where status in ('pending', 'processing');
        create index jobs_send_key on jobs (tenant, send_key);
        create index jobs_sent on jobs (tenant, instance_id, finished_at) where status = 'sent';
        create index jobs_finished on jobs (finished_at) where finished_at is not null;
        create index jobs_replay_of on jobs (replay_of) where replay_of is not null;

        -- answer: the broker's, at most 2 KB, numbers and JIDs taken out. send_began_at: null when nothing can have left.
        create table attempts (
            job_id        uuid not null references jobs (id) on delete cascade,
            number        int not null,
            fence         bigint not null,
            worker        text not null,
            started_at    timestamptz not null,
            send_began_at timestamptz,
            finished_at   timestamptz,
            status        int,
            category      text,
            latency_ms    int,
            answer        text,
            error         text,
            primary key (job_id, number, fence)
        );

        -- Who decided what about a job: replayed, resolved, discarded, or asked for a replay of what was sent already.
        create table job_decisions (
            id           uuid primary key,
            tenant       text not null,
            job_id       uuid not null references jobs (id) on delete cascade,
            action       text not null check (action in ('replay', 'force_new_key', 'idempotent_skip', 'resolve_sent', 'resolve_not_sent', 'discard')),
            requested_by text not null,
            reason       text not null,
            decided_at   timestamptz not null
        );
        create index job_decisions_job on job_decisions (job_id);
        create index job_decisions_window on job_decisions (tenant, decided_at);

        """;

    private const string Work = """
        -- POST /api/dispatch/run: the jobs that were due then are handled now.
        create table runs (
            id               uuid primary key,
            tenant           text not null,
            state            text not null check (state in ('running', 'completed', 'cancelled')),
            jobs             uuid[] not null,
            cursor           int not null default 0,
            queued           int not null,
            claimed          int not null default 0,
            skipped          int not null default 0,
            sent             int not null default 0,
            failed           int not null default 0,
            cancel_requested boolean not null default false,
            requested_by     text not null,
            created_at       timestamptz not null,
            finished_at      timestamptz
        );
        create index runs_open on runs (created_at) where state = 'running';

        -- A replay of many executions. jobs is fixed when it is made; cursor counts what is behind it, so a restart goes on there.
        create table bulk_replays (
            id            uuid primary key,
            tenant        text not null,
            state         text not null check (state in ('running', 'paused', 'completed', 'cancelled')),
            jobs          uuid[] not null,
            cursor        int not null default 0,
            replayed      int not null default 0,
            skipped       int not null default 0,
            rate          int not null,
            force_new_key boolean not null,
            reason        text not null,
            requested_by  text not null,
            created_at    timestamptz not null,
            finished_at   timestamptz
        );
        create index bulk_replays_open on bulk_replays (created_at) where state = 'running';

        -- When an instance's next send may leave: one statement reserves a slot, exact over all replicas.
        create table instance_rates (
            instance_id text primary key,
            next_at     timestamptz not null
        );

        -- Days on which an instance's watermark was reported, so that one replica reports it once.
        create table send_watermarks (
            tenant      text not null,
            instance_id text not null,
            day         date not null,
            primary key (tenant, instance_id, day)
        );
        """;
}
