using System.Collections.Frozen;

namespace WhatsAppMesh.Ingest;

/// <summary>
/// Names of Evolution's events. Evolution API writes one event in three ways: <c>group-participants.update</c> in a body,
/// <c>GROUP_PARTICIPANTS_UPDATE</c> in its settings and <c>group-participants-update</c> behind the webhook's URL (setting <c>byEvents</c>,
/// which turns <c>.</c> and <c>_</c> into <c>-</c>). Evolution Go names whatsmeow's structs: <c>GroupInfo</c>.
/// </summary>
internal static class EvolutionNames
{
    /// <summary>Type of an event without a usable name.</summary>
    public const string Unknown = "evolution.unknown";

    private const string Prefix = "evolution.";
    private const int MaxLength = EventReader.MaxTypeLength - 10;

    // Evolution API 2.3.6, src/api/types/wa.types.ts, and the "error" of src/main.ts. Only these need a table: their points and dashes are
    // lost in the other two spellings, in which they look alike.
    private static readonly FrozenDictionary<string, string> Known = new[]
    {
        "application.startup", "instance.create", "instance.delete", "qrcode.updated", "connection.update", "status.instance", "messages.set",
        "messages.upsert", "messages.edited", "messages.update", "messages.delete", "send.message", "send.message.update", "contacts.set",
        "contacts.upsert", "contacts.update", "presence.update", "chats.set", "chats.update", "chats.upsert", "chats.delete", "groups.upsert",
        "groups.update", "group-participants.update", "call", "typebot.start", "typebot.change-status", "labels.edit", "labels.association",
        "creds.update", "messaging-history.set", "remove.instance", "logout.instance", "error",
        // Baileys' own names with a dash, should a version pass them on.
        "group.join-request", "group.member-tag.update", "lid-mapping.update", "message-receipt.update", "messages.media-update",
    }.ToFrozenDictionary(Levelled);

    /// <summary>The event type: <c>evolution.</c> and the name in lower case, the same for every spelling.</summary>
    /// <param name="name">As the body or the path has it; null when neither has.</param>
    public static string TypeOf(string? name)
    {
        var lower = name?.Trim().ToLowerInvariant();
        if (string.IsNullOrEmpty(lower) || EventReader.CharactersIn(lower) > MaxLength)
            return Unknown;
        // Of a name that is not in the table nobody can know where its points and dashes were.
        return Prefix + (Known.GetValueOrDefault(Levelled(lower)) ?? Levelled(lower));
    }

    private static string Levelled(string name) => name.Replace('_', '.').Replace('-', '.');
}
