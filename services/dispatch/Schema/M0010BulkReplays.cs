using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;

namespace WhatsAppMesh.Dispatch.Schema;

/// <summary>Each replay of many has a time of its own, so that one of them cannot hold up the others.</summary>
[DbContext(typeof(DispatchContext))]
[Migration("0010_bulk_replays")]
public sealed class M0010BulkReplays : Migration
{
    /// <inheritdoc/>
    protected override void Up(MigrationBuilder migrationBuilder) => migrationBuilder.Sql("""
        -- When its next execution is due, by its rate.
        alter table bulk_replays add column next_at timestamptz not null default now();
        create index bulk_replays_due on bulk_replays (next_at) where state = 'running';
        drop index bulk_replays_open;
        """);
}
