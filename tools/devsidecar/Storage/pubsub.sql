create schema if not exists sidecar;

-- A topic of a pub/sub component. last = id of its newest message; taking the row's lock is the right to give the next ids,
-- so commit order is id order and a cursor never steps over an id that commits later.
create table if not exists sidecar.topics (
    id int generated always as identity primary key,
    component text not null,
    name text not null,
    last bigint not null default 0,
    unique (component, name));

-- Finished envelopes, as they are delivered. traits: what a delivery must know of the envelope without parsing it.
create table if not exists sidecar.messages (
    topic int not null,
    id bigint not null,
    traits smallint not null,
    published_at timestamptz not null,
    metadata text,
    envelope bytea not null,
    primary key (topic, id))
    with (autovacuum_vacuum_scale_factor = 0.1, autovacuum_vacuum_insert_scale_factor = 0.5);

-- A consumer group (app id): next = first id not yet leased to anyone.
create table if not exists sidecar.cursors (
    topic int not null,
    consumer text not null,
    next bigint not null,
    primary key (topic, consumer))
    with (fillfactor = 50);

-- One row per batch in flight; gone once each of its messages is settled. A lease that ran out is anyone's.
create table if not exists sidecar.leases (
    topic int not null,
    consumer text not null,
    first bigint not null,
    last bigint not null,
    owner uuid not null,
    until timestamptz not null,
    primary key (topic, consumer, first))
    with (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 500);
