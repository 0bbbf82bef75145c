using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;

namespace WhatsAppMesh.Dispatch.Schema;

/// <summary>Jobs that failed or expired are counted every few seconds, and few of them stay undecided.</summary>
[DbContext(typeof(DispatchContext))]
[Migration("0011_undecided")]
public sealed class M0011Undecided : Migration
{
    /// <inheritdoc/>
    protected override void Up(MigrationBuilder migrationBuilder) => migrationBuilder.Sql("""
        create index jobs_undecided on jobs (status, last_category)
            where status in ('failed', 'failed_retryable', 'expired', 'in_doubt') and discarded_at is null
        """);
}
