using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;

namespace WhatsAppMesh.Dispatch.Schema;

/// <summary>What retention looks for every minute, and the pages of executions by automation and by instance, without reading what is old.</summary>
[DbContext(typeof(DispatchContext))]
[Migration("0008_upkeep")]
public sealed class M0008Upkeep : Migration
{
    /// <inheritdoc/>
    protected override void Up(MigrationBuilder migrationBuilder) => migrationBuilder.Sql("""
        -- Finished jobs that still say something, for those that are emptied already stay for months.
        create index jobs_to_empty on jobs (finished_at) where finished_at is not null and message <> '{}';
        create index jobs_page_by_automation on jobs (tenant, automation_id, created_at desc, id desc) where automation_id is not null;
        create index jobs_page_by_instance on jobs (tenant, instance_id, created_at desc, id desc);
        create index runs_finished on runs (finished_at) where finished_at is not null;
        create index bulk_replays_finished on bulk_replays (finished_at) where finished_at is not null;
        """);
}
