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

        -- timed_received_at, untimed_received_at: when the last change with and without a time was received.
        -- stated_fields: per field what was stated last, and the time and place in the log of that ({"Subject": ["text", "micros/log/position"]}).
        alter table whatsapp_groups
            add column reported_size       bigint,
            add column member_link_mode    boolean,
            add column timed_received_at   timestamptz,
            add column untimed_received_at timestamptz,
            add column stated_fields       jsonb not null default '{}',
            drop column field_versions;

        -- Append-only: every telling that a field of a group was set (value) or unset (null).
        create table group_field_changes (
            group_id    bigint not null references whatsapp_groups (id),
            order_at    timestamptz not null,
            log         int not null,
            position    bigint not null,
            ordinal     int not null,
            field       text not null,
            value       text,
            untimed     boolean not null,
            received_at timestamptz not null,
            source      text not null,
            primary key (group_id, order_at, log, position, ordinal)
        );

        -- received_until: when the last of the changes in it was received.
        alter table group_checkpoints add column received_until timestamptz;
        -- promoted_received_at: when the promotion was received that gave the role, if it carries its time.
        alter table whatsapp_group_participants add column promoted_received_at timestamptz;
        -- hold_until: a join that nobody told with its time waits until then for somebody who does.
        alter table member_joins add column hold_until timestamptz;
        """);
}
