using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;

namespace WhatsAppMesh.Membership.Schema;

/// <summary>First version: facts, identity, and the tables folded from them.</summary>
[DbContext(typeof(MembershipContext))]
[Migration("0001_membership")]
public sealed class M0001Membership : Migration
{
    /// <inheritdoc/>
    protected override void Up(MigrationBuilder migrationBuilder) => migrationBuilder.Sql(Groups + People + Facts + Members + Joins);

    private const string Groups = """
        -- field_versions: per field the time and place in the log of the value it has ({"Subject": "micros/log/position"}).
        -- folded_*: newest fact whose effect the tables hold; folded_roster: its roster, when that fact is one.
        create table whatsapp_groups (
            id                    bigint generated always as identity primary key,
            tenant                text not null,
            jid                   text not null,
            subject               text,
            description           text,
            owner_jid             text,
            addressing_mode       text,
            linked_parent_jid     text,
            announce              boolean,
            restrict              boolean,
            join_approval_mode    boolean,
            member_add_mode       boolean,
            is_community          boolean,
            is_community_announce boolean,
            ephemeral_duration    bigint,
            created_at            timestamptz,
            field_versions        jsonb not null default '{}',
            first_seen_at         timestamptz not null,
            last_active_at        timestamptz not null,
            last_seen_at          timestamptz not null generated always as (greatest(first_seen_at, last_active_at)) stored,
            folded_order_at       timestamptz,
            folded_log            int,
            folded_position       bigint,
            folded_ordinal        int,
            folded_roster         uuid,
            unique (tenant, jid)
        );

        """;

    private const string People = """
        -- A person: known by the LID, or by the phone while no LID is known. last_active_at moves in steps of 60 s.
        create table whatsapp_participants (
            id             bigint generated always as identity primary key,
            tenant         text not null,
            known_by       text not null,
            lid            text generated always as (case when known_by like '%@lid' then known_by end) stored,
            phone_jid      text,
            push_name      text,
            first_seen_at  timestamptz,
            last_active_at timestamptz,
            last_seen_at   timestamptz generated always as (greatest(first_seen_at, last_active_at)) stored,
            unique (tenant, known_by)
        );

        -- Every JID ever sent, what was seen under it, and whose it is now; owned_since only for a phone that belongs to a LID.
        create table whatsapp_participant_jids (
            tenant         text not null,
            jid            text not null,
            participant_id bigint not null references whatsapp_participants (id),
            owned_since    timestamptz,
            first_seen_at  timestamptz,
            last_active_at timestamptz,
            push_name      text,
            push_name_at   timestamptz,
            primary key (tenant, jid)
        );
        create index whatsapp_participant_jids_participant on whatsapp_participant_jids (participant_id);

        -- since: earliest time the two were seen together; null while only an operator has spoken of them.
        create table identity_pairs (
            tenant           text not null,
            phone            text not null,
            lid              text not null,
            since            timestamptz,
            is_unlinked      boolean not null default false,
            decided_order_at timestamptz,
            decided_log      int,
            decided_position bigint,
            primary key (tenant, phone, lid)
        );
        create index identity_pairs_lid on identity_pairs (tenant, lid);

        """;

    private const string Facts = """
        -- oldest_*: earliest fact that points to the roster; a later one can tell nothing new about the identity of its people.
        create table membership_rosters (
            group_id        bigint not null references whatsapp_groups (id),
            hash            uuid not null,
            entries         text not null,
            oldest_order_at timestamptz not null,
            oldest_at       timestamptz not null,
            primary key (group_id, hash)
        );

        -- Append-only. A roster fact points to its roster, so that an unchanged one costs a row of this size.
        create table membership_facts (
            group_id bigint not null references whatsapp_groups (id),
            order_at timestamptz not null,
            log      int not null,
            position bigint not null,
            ordinal  int not null,
            kind     smallint not null check (kind between 1 and 5),
            at       timestamptz not null,
            untimed  boolean not null,
            roster   uuid,
            entries  text,
            primary key (group_id, order_at, log, position, ordinal),
            foreign key (group_id, roster) references membership_rosters (group_id, hash),
            check ((kind = 1) = (roster is not null) and (kind = 1) = (entries is null))
        );

        -- Groups in which a phone stands without a LID beside it: the only ones whose members change when the phone's owner does.
        create table group_phone_mentions (
            tenant   text not null,
            phone    text not null,
            group_id bigint not null references whatsapp_groups (id),
            primary key (tenant, phone, group_id)
        );
        create index group_phone_mentions_group on group_phone_mentions (group_id);

        -- The fold of a group as it stood at one fact: a fact that comes late after it is folded from here.
        create table group_checkpoints (
            group_id bigint primary key references whatsapp_groups (id),
            order_at timestamptz not null,
            log      int not null,
            position bigint not null,
            ordinal  int not null,
            members  text not null
        );

        -- Label per member as sent; the last one counts.
        create table group_tags (
            group_id bigint not null references whatsapp_groups (id),
            jid      text not null,
            label    text not null,
            order_at timestamptz not null,
            log      int not null,
            position bigint not null,
            primary key (group_id, jid)
        );

        """;

    private const string Members = """
        create table whatsapp_group_participants (
            group_id         bigint not null references whatsapp_groups (id),
            participant_id   bigint not null references whatsapp_participants (id),
            role             text check (role in ('superadmin', 'admin')),
            joined_at        timestamptz,
            left_at          timestamptz,
            is_left_untimed  boolean not null,
            tag              text,
            primary key (group_id, participant_id)
        );
        create index whatsapp_group_participants_participant on whatsapp_group_participants (participant_id);

        -- Every stay, oldest = 0. evidence: the adds told during it, as [{"log", "position", "jid", "isJoin"}, ...].
        create table whatsapp_group_stays (
            group_id         bigint not null references whatsapp_groups (id),
            participant_id   bigint not null references whatsapp_participants (id),
            number           int not null,
            joined_at        timestamptz not null,
            is_start_untimed boolean not null,
            left_at          timestamptz,
            is_end_untimed   boolean not null,
            is_end_by_roster boolean not null,
            evidence         jsonb not null,
            primary key (group_id, participant_id, number),
            check (left_at >= joined_at)
        );
        create index whatsapp_group_stays_participant on whatsapp_group_stays (participant_id);

        """;

    private const string Joins = """
        -- Joins announced or to be announced, by the evidence each rests on.
        -- state: pending (to be sent), sent, confirmed (came back over the topic), cancelled (the stay had been announced before).
        create table member_joins (
            group_id  bigint not null references whatsapp_groups (id),
            log       int not null,
            position  bigint not null,
            jid       text not null,
            event_id  uuid not null,
            state     text not null check (state in ('pending', 'sent', 'confirmed', 'cancelled')),
            tenant    text not null,
            joined_at timestamptz not null,
            payload   text not null,
            primary key (group_id, log, position, jid)
        );
        create index member_joins_pending on member_joins (group_id) where state = 'pending';
        create index member_joins_event on member_joins (event_id);
        """;
}
