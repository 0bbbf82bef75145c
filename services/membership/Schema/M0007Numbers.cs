using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;

namespace WhatsAppMesh.Membership.Schema;

/// <summary>Changes of number, and usernames.</summary>
[DbContext(typeof(MembershipContext))]
[Migration("0007_numbers")]
public sealed class M0007Numbers : Migration
{
    /// <inheritdoc/>
    protected override void Up(MigrationBuilder migrationBuilder) => migrationBuilder.Sql("""
        -- Who gave up one phone for another: the earliest and the latest time at which that was told.
        create table number_changes (
            tenant    text not null,
            old_phone text not null,
            new_phone text not null,
            first_at  timestamptz not null,
            last_at   timestamptz not null,
            primary key (tenant, old_phone, new_phone),
            check (first_at <= last_at)
        );
        create index number_changes_new on number_changes (tenant, new_phone);

        -- username_at without username: the person was said to have none.
        alter table whatsapp_participant_jids add column username text, add column username_at timestamptz;
        alter table whatsapp_participants add column username text;
        create index whatsapp_participants_username on whatsapp_participants (tenant, lower(username)) where username is not null;
        """);
}
