using System.Text.Json;

namespace WhatsAppMesh.Membership.Events.Evolution;

/// <summary>
/// Webhooks of the Evolution API: Baileys' events under their own names, in the envelope's <c>data</c>. The envelope's <c>date_time</c> is
/// the server's local time written as if it were UTC, so no time at all.
/// </summary>
public sealed class EvolutionReader : IEventReader
{
    private const string Prefix = "evolution.";

    // Their name there, without the prefix, and Baileys' name.
    private static readonly Dictionary<string, string> Baileys = new(StringComparer.Ordinal)
    {
        ["messages.upsert"] = "messages.upsert",
        ["send.message"] = "messages.upsert",
        ["messages.update"] = "messages.update",
        ["messages.reaction"] = "messages.reaction",
        ["message-receipt.update"] = "message-receipt.update",
        ["groups.upsert"] = "groups.upsert",
        ["groups.update"] = "groups.update",
        ["group.update"] = "groups.update",
        ["group-participants.update"] = "group-participants.update",
        ["group.participants.update"] = "group-participants.update",
        ["group.join-request"] = "group.join-request",
        ["group.member-tag.update"] = "group.member-tag.update",
        ["chats.upsert"] = "chats.upsert",
        ["chats.update"] = "chats.update",
        ["contacts.upsert"] = "contacts.upsert",
        ["contacts.update"] = "contacts.update",
        ["lid-mapping.update"] = "lid-mapping.update",
        ["messaging-history.set"] = "messaging-history.set",
        ["call"] = "call",
    };

    /// <inheritdoc/>
    public IReadOnlyList<string> Types { get; } = [.. Baileys.Keys.Select(static name => Prefix + name)];

    /// <inheritdoc/>
    public void Read(ObservedEvent source, Observations into)
    {
        foreach (var item in source.Items(into))
        {
            if (!Wire.TryField(item, "data", out var data) || data.ValueKind is not (JsonValueKind.Object or JsonValueKind.Array))
            {
                into.Silent(source, SilentReason.NoContent);
                continue;
            }
            var told = source.Source.OccurredAtSource == "date_time" ? source.WithoutTime() : source;
            EventReaders.ReaderOf(Baileys[source.Source.Type[Prefix.Length..]]).Read(told.About(data), into);
        }
    }
}
