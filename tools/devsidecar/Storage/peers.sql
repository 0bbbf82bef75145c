create schema if not exists sidecar;

-- Where the sidecars of the mesh are. A row is a lease that its sidecar renews; it need not survive a crash of the server.
create unlogged table if not exists sidecar.peers (
    instance uuid primary key,
    app_id text not null,
    address text not null,
    key text not null,
    lease_until timestamptz not null);

-- Who it is to access control, beside its app.
alter table sidecar.peers add column if not exists trust_domain text not null default 'public';
alter table sidecar.peers add column if not exists namespace text not null default 'default';
