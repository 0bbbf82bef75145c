using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;

namespace WhatsAppMesh.Membership.Schema;

/// <summary>
/// Facts remember who told them and when, and lists may be parts of rosters. What was folded without that is folded anew: the service
/// forgets its state and its account, and fills itself from the lake.
/// </summary>
[DbContext(typeof(MembershipContext))]
[Migration("0006_twins")]
public sealed class M0006Twins : Migration
{
    /// <inheritdoc/>
    protected override void Up(MigrationBuilder migrationBuilder) => migrationBuilder.Sql("""
        truncate whatsapp_groups, whatsapp_participants, whatsapp_participant_jids, identity_pairs, membership_rosters, membership_facts,
            group_phone_mentions, group_checkpoints, group_tags, whatsapp_group_participants, whatsapp_group_stays, member_joins,
            deliveries.account, deliveries.failures, deliveries.dead_letters, deliveries.replay_jobs, deliveries.rebuild, deliveries.discards, deliveries.outbox;

        alter table membership_facts
            add column received_at timestamptz not null,
            add column source      text not null,
            drop constraint membership_facts_kind_check,
            add constraint membership_facts_kind_check check (kind between 1 and 6),
            drop constraint membership_facts_check,
            add constraint membership_facts_check check ((kind in (1, 6)) = (roster is not null) and (kind in (1, 6)) = (entries is null));
        alter table membership_rosters add column is_whole boolean not null;
        alter table whatsapp_groups add column reported_size bigint;
        """);
}
