using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;

namespace WhatsAppMesh.Ingest;

/// <summary>The role through which a data team reads the lake: the view alone, and no login of its own.</summary>
[DbContext(typeof(LakeSchema))]
[Migration("0005_lake_reader")]
internal sealed class M0005_LakeReader : Migration
{
    /// <summary>Roles belong to the whole server: it may be there already, be made at this moment for another database, or be not ours to make.</summary>
    internal const string Sql =
        """
        do $$
        begin
            if to_regrole('lake_reader') is null then
                create role lake_reader nologin;
            end if;
        exception
            when duplicate_object or unique_violation then null;
            when insufficient_privilege then raise warning 'role lake_reader was not made: see docs/lake.md';
        end $$;
        do $$
        begin
            if to_regrole('lake_reader') is not null then
                grant select on lake_events to lake_reader;
            end if;
        end $$;
        """;

    /// <inheritdoc/>
    protected override void Up(MigrationBuilder migrationBuilder) => migrationBuilder.Sql(Sql);

    /// <inheritdoc/>
    protected override void Down(MigrationBuilder migrationBuilder) => migrationBuilder.Sql(
        "do $$ begin if to_regrole('lake_reader') is not null then revoke select on lake_events from lake_reader; end if; end $$;");
}
