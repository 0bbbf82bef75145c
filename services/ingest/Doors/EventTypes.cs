using System.Collections.Frozen;
using System.Text.Json;

namespace WhatsAppMesh.Ingest;

/// <summary>
/// The event types that rules or metrics name. The set of types is open: an unknown one is stored like any other, and counts as
/// <see cref="Other"/> in metrics, so that no client can grow the label.
/// </summary>
internal static class EventTypes
{
    public const string MessagesUpsert = "messages.upsert";
    public const string MessagesUpdate = "messages.update";
    public const string MessagesReaction = "messages.reaction";
    public const string GroupsMetadata = "groups.metadata";
    public const string GroupsUpsert = "groups.upsert";
    public const string GroupsUpdate = "groups.update";
    public const string GroupParticipantsUpdate = "group-participants.update";
    public const string GroupMemberTagUpdate = "group.member-tag.update";
    public const string ChatsUpdate = "chats.update";
    public const string TriggerFired = "trigger.fired";
    public const string LeadStageChanged = "lead.stage_changed";

    public const string PersonErased = "person.erased";

    public const string Other = "other";

    private static readonly string[] Known =
    [
        MessagesUpsert, MessagesUpdate, MessagesReaction, GroupsMetadata, GroupsUpsert, GroupsUpdate, GroupParticipantsUpdate,
        TriggerFired, LeadStageChanged, "messages.delete", "messages.media-update", "message-receipt.update", "group.join-request",
        GroupMemberTagUpdate, "chats.upsert", ChatsUpdate, "chats.delete", "member.joined", "identity.linked", "identity.unlinked", PersonErased,
        "broker.message_inbound", "broker.message_outbound", "broker.whatsapp_messages_upsert", "broker.unknown",
        "waha.message", "waha.message.any", "waha.message.ack", "waha.session.status", "waha.unknown",
        "evolution.messages.upsert", "evolution.messages.update", "evolution.send.message", "evolution.groups.upsert", "evolution.groups.update",
        "evolution.group-participants.update", "evolution.message", "evolution.receipt", "evolution.groupinfo",
        "evolution.joinedgroup", "evolution.unknown",
    ];

    private static readonly FrozenSet<string> KnownSet = Known.ToFrozenSet();

    /// <summary>The type as a metric label: itself when known, else "other".</summary>
    public static string Label(string type) => KnownSet.Contains(type) ? type : Other;

    /// <summary>The string at which the reader stands, without allocating for the types that most traffic has.</summary>
    public static string Read(ref Utf8JsonReader reader)
    {
        if (reader.ValueTextEquals("messages.upsert"u8))
            return MessagesUpsert;
        if (reader.ValueTextEquals("messages.reaction"u8))
            return MessagesReaction;
        return reader.ValueTextEquals("groups.metadata"u8) ? GroupsMetadata : reader.GetString()!;
    }
}
