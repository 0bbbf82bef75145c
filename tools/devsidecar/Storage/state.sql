create schema if not exists sidecar;

-- The keys of every state component. The columns that only one kind of store uses (etag: state.postgresql; version and first_write:
-- state.redis) stay at their defaults in the other.
create table if not exists sidecar.state (
    store text not null,
    key text not null,
    value bytea not null,
    etag uuid not null default gen_random_uuid(),
    version bigint not null default 1,
    first_write boolean not null default false,
    expires_at timestamptz,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    primary key (store, key));

create index if not exists state_expiry on sidecar.state (store, expires_at) where expires_at is not null;
