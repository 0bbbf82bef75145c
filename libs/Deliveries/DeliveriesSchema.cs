namespace WhatsAppMesh.Deliveries;

/// <summary>
/// The tables of this library, in a schema of their own inside the owning service's database. The service runs each script from one of
/// its numbered migrations, in this order; a script never changes once released, a change is a new script, and a new migration.
/// </summary>
public static class DeliveriesSchema
{
    /// <summary>First version: account, failures, dead letters, replay jobs, audit trail, rebuild.</summary>
    public const string Version1 = """
        create schema deliveries;

        -- One row per log: every position this consumer has applied, dead-lettered, discarded or found retired.
        -- The row is rewritten by each batch: room on the page keeps those updates away from the index.
        create table deliveries.account (
            log     int primary key,
            done    int8multirange not null default '{}',
            retired int8multirange not null default '{}'
        ) with (fillfactor = 20);

        -- Why an event failed last, and how often: written before the sidecar is answered, joined into dead_letters when the event dies.
        -- envelope_key is empty for an event of the log; an envelope that could not be read has log 0, position 0 and its own key.
        create table deliveries.failures (
            log          int not null,
            position     bigint not null,
            envelope_key text not null,
            category     text not null check (category in ('poison', 'transient')),
            error        text not null,
            message      text not null,
            step         text not null,
            attempts     int not null,
            trace_id     text not null,
            first_at     timestamptz not null,
            last_at      timestamptz not null,
            primary key (log, position, envelope_key)
        );
        create index failures_last_at on deliveries.failures (last_at);

        -- incarnation: 0 for the first death of an event, then one more each time a replay ends here again.
        create table deliveries.dead_letters (
            id              uuid primary key,
            tenant          text not null,
            log             int not null,
            position        bigint not null,
            incarnation     int not null,
            envelope_key    text not null,
            event_id        text not null,
            revision        int not null,
            type            text not null,
            state           text not null check (state in ('open', 'replayed', 'failed_again', 'discarded')),
            category        text not null check (category in ('poison', 'transient')),
            error           text not null,
            message         text not null,
            step            text not null,
            attempts        int not null,
            trace_id        text not null,
            first_failed_at timestamptz not null,
            dead_at         timestamptz not null,
            settled_at      timestamptz,
            settled_by      uuid,
            previous_id     uuid references deliveries.dead_letters (id),
            envelope        text not null
        );
        create unique index dead_letters_position on deliveries.dead_letters (log, position, incarnation) where log > 0;
        create unique index dead_letters_unreadable on deliveries.dead_letters (envelope_key) where log = 0;
        create index dead_letters_page on deliveries.dead_letters (tenant, dead_at desc, id desc);
        create index dead_letters_open on deliveries.dead_letters (category) where state = 'open';

        -- A replay of many. dead_letters and spans are fixed when the job is made; cursor counts what is behind it, so a restart goes on
        -- where the last commit left it. request_key makes a repeated request (a redelivered replay message) the same job.
        create table deliveries.replay_jobs (
            id            uuid primary key,
            request_key   text unique,
            tenant        text not null,
            dead_letters  uuid[] not null default '{}',
            spans         jsonb not null default '[]',
            state         text not null check (state in ('running', 'paused', 'done', 'cancelled')),
            rate          int not null,
            matched       bigint not null,
            cursor        bigint not null default 0,
            replayed      bigint not null default 0,
            failed        bigint not null default 0,
            reason        text not null,
            requested_by  text not null,
            created_at    timestamptz not null,
            finished_at   timestamptz
        );
        create index replay_jobs_running on deliveries.replay_jobs (created_at) where state = 'running';

        -- What people decided about dead letters, and why. Never changed, never deleted.
        create table deliveries.audit_trail (
            id      bigint generated always as identity primary key,
            at      timestamptz not null,
            tenant  text not null,
            who     text not null,
            action  text not null,
            reason  text not null,
            subject uuid,
            count   bigint not null
        );

        -- How far an empty consumer has to catch up before its reads mean anything: the heads first seen, as {"log": position}.
        create table deliveries.rebuild (
            id           int primary key default 1 check (id = 1),
            target       jsonb not null,
            started_at   timestamptz not null,
            completed_at timestamptz
        );
        """;

    /// <summary>Second version: discards that are told through the lake and outlive the dead letter's row, retention, sends of a replay.</summary>
    public const string Version2 = """
        -- Positions that a person gave up. is_dead: the event died here and counts as discarded; false: the lake told of the discard
        -- before the event died here (again), as happens while an emptied consumer fills itself: should it die, it is discarded at once.
        create table deliveries.discards (
            log      int not null,
            position bigint not null,
            is_dead  boolean not null,
            primary key (log, position)
        );
        insert into deliveries.discards (log, position, is_dead)
        select distinct log, position, true from deliveries.dead_letters d
        where state = 'discarded' and log > 0
            and not exists (select from deliveries.dead_letters o where o.log = d.log and o.position = d.position and o.state = 'open');

        -- What is to be appended to the lake; a row goes when the lake has it.
        create table deliveries.outbox (
            event_id    uuid primary key,
            tenant      text not null,
            type        text not null,
            occurred_at timestamptz not null,
            payload     text not null
        );

        alter table deliveries.replay_jobs add column allow_sends boolean not null default false;

        -- Retention: settled dead letters and finished jobs go by age. A link to a dead letter may then name one that is gone.
        alter table deliveries.dead_letters drop constraint dead_letters_previous_id_fkey;
        create index dead_letters_settled on deliveries.dead_letters (settled_at) where settled_at is not null;
        create index replay_jobs_finished on deliveries.replay_jobs (finished_at) where finished_at is not null;
        """;

    /// <summary>Third version: a discard concerns one tenant.</summary>
    public const string Version3 = """
        -- Tenant of the event that was given up; empty: noted before tenants were, good for whichever tenant's event is at the position.
        alter table deliveries.discards add column tenant text not null default '';
        update deliveries.discards g set tenant = d.tenant from deliveries.dead_letters d
        where d.log = g.log and d.position = g.position and d.state = 'discarded';
        """;

    /// <summary>
    /// An open dead letter whose envelope lacks the payload: only the lake can replay it. In the payload itself the quotes are escaped, so
    /// that nothing a client sent looks like this.
    /// </summary>
    internal const string NeedsLake = """state = 'open' and log > 0 and envelope ~ '"(payloadInLake|payload_in_lake)"\s*:\s*true'""";

    /// <summary>Fourth version: retention of the lake waits for the dead letters that need it.</summary>
    public const string Version4 = $"create index dead_letters_needing_lake on deliveries.dead_letters (log, position) where {NeedsLake};";
}
